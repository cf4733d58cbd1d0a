cd ../00-ground; mv moved/deep moved/shallow; say "$(find moved -printf '%P %U %G %m %y %l\n' | sort | tr '\n' ';')"; mv moved moved2; mkdir moved; mv moved2/shallow moved/deep; mv moved/deep/er moved/deep/er2; touch moved/deep/new; mv moved/deep/er2/1 moved/deep/er2/2
python3 -c 'import os
print("SAY 25-move: rename", end=" ")
try: os.mkdir("fresh"); os.chown("fresh", 3, 4); open("fresh/f", "w"); os.rename("fresh", "fresh2"); print("ok")
except OSError as e: print(e)'
mv fresh2 moved/; mv /usr/share/common-licenses /usr/share/common2; mv /usr/share/common2 /usr/share/common-licenses; mv /etc/skel "$OLDPWD/skel"; mv "$OLDPWD/skel" /etc/skel; mv owners/owned owners/plain; mv -T moved2 moved3; say "$(find moved moved3 owners /etc/skel -printf '%P %U %G %m %y %l\n' | sort | tr '\n' ';')"
