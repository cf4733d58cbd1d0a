for i in 1 2 3 4 5 6; do echo x >f$i; chmod 6755 f$i; done
chown games f1; chown :mail f2; chgrp 0 f3; chown root:root f5; chmod 6644 f6; chown 1:1 f6; chown -h 2:2 f6
mkdir d e; chmod 6777 d; chown games:mail d; chown 5:6 e; chmod g+s e; touch e/in; mkdir e/sub; mknod e/null c 1 3; mkfifo e/pipe; ln -s x e/soft; su man -s /bin/sh -c 'touch d/man; mkdir d/mans; touch d/mans/in; mkfifo d/pipe; ln -s x d/soft'
cp f5 e/f5; mv f4 e/f4; mkdir -m 1750 g; chmod 755 d; chmod 00755 e
say "$(find . -printf '%P %U %G %m %y\n' | sort | tr '\n' ';')"; install -m 4755 f1 h; say "$(stat -c %a h)"
su games -s /bin/sh -c 'cd /tmp && touch mine && chmod 2755 mine && stat -c %a mine && rm mine' | while read -r line; do say "$line"; done
