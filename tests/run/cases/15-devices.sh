mknod null c 1 3; mknod -m 640 disk b 8 16; mknod pipe p; mkfifo -m 600 pipe2; mknod big c 511 1048575; chown daemon:disk disk; chmod 666 null
cp -a null null2; cp -a disk disk2; mv disk2 disk3; ln null hard; tar -cf x.tar null disk pipe; mkdir x; tar -C x -xf x.tar; rm x.tar
touch -r null other; rm null; touch null; mknod a c 1 5; mv a null; chown 3:4 null; cp -R disk disk4; rsync -a --devices disk disk5; busybox32 mknod bb c 10 200; busybox32 cp -a bb bb2
say "$(find . -printf '%P %U %G %m %y %n\n' | grep -v '^ ' | sort | tr '\n' ';')"; say "$(stat -c '%n %F %t %T %a %u %g' ./* | tr '\n' ';')"; say "$(busybox32 stat -c '%n %F %t %T %a %u %g' ./* | tr '\n' ';')"
test -c null && test -b disk && test -p pipe && test ! -f null && say tests; say "$(ls -ln --time-style=+ null disk big | tr '\n' ';')"
python3 -c 'import os
os.mknod("py", 0o20600, os.makedev(4, 64)); st = os.stat("py"); print("SAY 15-devices: python", oct(st.st_mode), st.st_rdev)'
rm disk; say "$(mknod null c 1 3 2>&1; mknod . c 1 3 2>&1; mknod no/such c 1 3 2>&1)"
