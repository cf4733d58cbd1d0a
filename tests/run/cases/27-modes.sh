cd ../00-ground/modes; say "$(cat none) $(cat closed/in) $(ls closed) $(cat dark/in) $(stat -c '%n %a %U' none closed closed/in dark dark/in | tr '\n' ';')"
echo more >>none; touch dark/new closed/new; chown games closed/new; rm dark/in; mkdir dark/sub; chmod 0 dark/sub; touch dark/sub/x; chmod 0 dark/sub/x; cp -a dark dark2; mv closed closed2
mkdir a b; chmod 111 a; touch a/x; chmod 0 b; echo y >b/y; chmod 0 b/y; mkdir -p c/d/e; chmod 0 c/d/e c/d c; chmod 7777 none; touch s; chmod 4000 s; mkdir -m 0 r; mkdir r/in; chmod 555 r; touch r/in/file r/file
su games -s /bin/sh -c 'mkdir /tmp/x && chmod 0 /tmp/x && rmdir /tmp/x'; say "$(find . -printf '%P %U %G %m %y\n' | sort | tr '\n' ';')"
