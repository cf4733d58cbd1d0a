mkdir all; chmod 1777 all; cd all
shown() { say "$1 $("${@:2}" 2>&1 | tr '\n' ' ')"; }
show='id; id -G; touch "f-$0"; mkdir "d-$0"; ln -s x "l-$0"; mkfifo "p-$0"; umask 077; echo x >"u-$0"; chmod 640 "u-$0"; cp "u-$0" "c-$0"'
shown su su games -s /bin/sh -c "$show" su
shown su-dash su - games -s /bin/sh -c 'pwd; echo $HOME $USER'
shown runuser runuser -u mail -- sh -c "$show" runuser
shown runuser-group runuser -u mail -g games -G news -- sh -c "$show" rgroup
shown setpriv setpriv --reuid=1234 --regid=2345 --clear-groups sh -c "$show" setpriv
shown setpriv-init setpriv --reuid=worker --regid=worker --init-groups sh -c "$show" init
shown setpriv-names setpriv --reuid=worker --regid=mail --init-groups sh -c "$show" names
shown setpriv-groups setpriv --reuid=7 --regid=8 --groups 9,10,11 sh -c "$show" groups
shown setpriv-caps setpriv --reuid=7 --regid=8 --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs sh -c "$show" caps
shown sudo sudo -n sh -c "$show" sudo
shown sudo-user sudo -n -u games sh -c "$show" sudouser
shown sudo-group sudo -n -u games -g mail sh -c "$show" sudogroup
shown sudo-hash sudo -n -u '#777' -g '#888' sh -c "$show" sudohash
shown sudo-from su games -s /bin/sh -c 'sudo -n id'
echo 'games ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/games; chmod 440 /etc/sudoers.d/games
shown sudo-allowed su games -s /bin/sh -c 'sudo -n id; sudo -n -u mail id; sudo -n touch rooted; sudo -n chown 5:6 rooted'
chmod 4755 "$(command -v id)"; shown set-uid su games -s /bin/sh -c id; chmod 755 "$(command -v id)"
cp "$(command -v id)" ../id; chown mail:news ../id; chmod 6755 ../id; shown set-both su games -s /bin/sh -c ../id; shown set-both-root ../id
cp "$(command -v touch)" ../touch; chown mail:news ../touch; chmod 2755 ../touch; shown set-group su games -s /bin/sh -c '../touch by-group; stat -c "%U %G" by-group'
passwd -d root; shown su-root su games -s /bin/sh -c 'su -c id'; passwd -l root
shown sg sg mail -c 'id; touch sg'; shown newgrp sh -c 'echo id | newgrp news'
shown chown-not su games -s /bin/sh -c 'touch mine; chown mail mine; echo $?; chgrp mail mine; echo $?; chmod 4755 mine; stat -c "%U %G %a" mine'
shown set-not su games -s /bin/sh -c 'setpriv --reuid=0 id; mknod device c 1 3; chroot / true; true'
shown perl perl -e '$) = "13 14 15"; $> = 16; open F, ">perl"; close F; print "$< $> $( $)\n"; $> = 0; open F, ">perl-root"; print -o "perl", "\n"'
rm -rf /run/sudo; say "$(find . -printf '%P %U %G %m %y\n' | sort | cksum)"
