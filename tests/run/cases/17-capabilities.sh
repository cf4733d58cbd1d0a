for i in a b c d e f; do cp /bin/true $i; setcap cap_net_raw,cap_net_bind_service+ep $i; done
say "$(getcap ./* | tr '\n' ';')"; cp -a a a2; cp --preserve=xattr a a3; cp a a4; mv b b2; ln c c2; chown 1:1 d; echo >>e; setcap -r f
tar --xattrs --xattrs-include='*' -cf x.tar a c c2; mkdir x; tar -C x --xattrs --xattrs-include='*' -xpf x.tar; rm x.tar; rsync -aX a a5; cp -a a a6; chown 5:6 a6; setcap cap_chown=eip a6; install a a7
setfattr -n user.one -v 1 a7; mkdir g; setfattr -n user.two -v 2 g; cp -a g g2; mv g g3; setfattr -x user.two g2; touch h; setfattr -n user.empty h; chown 8:9 h
say "$(getcap -r . | sort | tr '\n' ';')"; say "$(getfattr -d -m 'user' ./* 2>/dev/null | tr '\n' ';')"; say "$(getfattr -n security.capability -e hex a a2 a6 x/a 2>/dev/null | tr '\n' ';')"; setcap -q -v cap_chown=eip a6; say "verify $?"
say "$(./a && echo runs; python3 -c 'import os; print(os.listxattr("a"), os.listxattr("h"))')"; 
