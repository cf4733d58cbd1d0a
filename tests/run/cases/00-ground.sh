# What later cases move, replace, remove and link, so that all of it lies in a lower layer then.
mkdir -p links moved/deep/er removed/kept/in removed/gone/in replaced modes/closed many owners
echo one >links/a; ln links/a links/b; ln links/a links/c
echo two >links/d; ln links/d links/e
mkdir -p ../91-owned-links; echo three >../91-owned-links/a; ln ../91-owned-links/a ../91-owned-links/b; chown 1:8 ../91-owned-links/a
for i in 1 2 3; do echo "$i" >moved/deep/er/$i; chown "$i:$((i + 1))" moved/deep/er/$i; done
chown 7:8 moved moved/deep; chmod 2750 moved/deep; ln -s er moved/deep/link; chown -h 9:10 moved/deep/link
for i in kept gone kept/in gone/in; do echo "$i" >removed/$i/file; chown games removed/$i/file; done
for i in file link folder fifo device; do mkdir replaced/$i; done
for i in file link folder fifo device; do
    echo x >replaced/file/$i; ln -s file/"$i" replaced/link/$i; mkdir replaced/folder/$i; echo y >replaced/folder/$i/in
    mkfifo replaced/fifo/$i; mknod replaced/device/$i c 1 3; chown 3:4 replaced/folder/$i replaced/device/$i
done
echo secret >modes/none; chmod 0 modes/none; echo in >modes/closed/in; chown bin modes/closed/in; chmod 111 modes/closed
mkdir modes/dark; echo in >modes/dark/in; chmod 0 modes/dark
seq 10000 | sed 's,^,many/,' | xargs touch
touch owners/plain owners/owned; chown man:man owners/owned
