mkdir from; cd from; mkdir -p a/b c; echo 1 >a/f; echo 2 >a/b/g; ln a/f c/hard; ln -s ../a/f c/soft; mkfifo c/pipe
chown 1:2 a; chown 3:4 a/f; chown 5:6 a/b; chown games:mail a/b/g; chown -h 7:8 c/soft; chown 9 c/pipe; chmod 4711 a/b/g; chmod 1777 a/b; mknod c/null c 1 3; mknod c/disk b 8 1; chown :disk c/disk
cd ..
cp -a from cp-a; cp -r from cp-r; cp -al from cp-al; cp -rp from cp-rp; cp -dR --preserve=links,mode from cp-links
tar -C from -cf all.tar .; mkdir tar-x tar-no tar-num; tar -C tar-x -xf all.tar; tar -C tar-no --no-same-owner -xf all.tar; tar -C tar-num --numeric-owner -xpf all.tar
say "$(tar -tvf all.tar | awk '{print $1, $2, $NF}' | sort | tr '\n' ';')"; rm all.tar
tar -C from --owner=11 --group=12 -c . | (mkdir tar-owner && tar -C tar-owner -x)
rsync -aHAX --devices --specials from/ rsync-a; rsync -r from/a rsync-r; rsync -a --chown=15:16 from/a rsync-chown; rsync -a --delete --exclude g from/ rsync-a/
busybox32 tar -C from -c . | (mkdir bb && busybox32 tar -C bb -x); busybox32 cp -a from bb-cp
(cd from && find . | busybox32 cpio -o -H newc 2>/dev/null) | (mkdir cpio && cd cpio && busybox32 cpio -idmu 2>/dev/null)
for d in */; do say "$d $(cd "$d" && find . -printf '%P %U %G %m %y %l;' | tr ';' '\n' | sort | cksum)"; done
