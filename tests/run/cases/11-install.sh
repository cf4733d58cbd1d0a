echo '#!/bin/sh' >from
install -o daemon -g mail -m 2751 from one; install -d -o games -g games -m 1770 folder folder/in
install -D -o 1234 -g 5678 from deep/er/two; install -t folder -o man from; install -C -o man from folder/from; install -b -S .old -g 77 from one
mkdir t; cp --preserve=mode,ownership one t/; cp -p one t/two; cp one t/three
say "$(stat -c '%n %u %g %a' ./* folder/* deep/* deep/er/* t/* | tr '\n' ';')"
dpkg-statoverride --update --add daemon mail 2755 "$PWD/from"; say "$(stat -c '%U %G %a' from)"; dpkg-statoverride --remove "$PWD/from"
