touch 'a b' "new
line" 'ünïcode' "$(printf 'bad\377\376')" "$(printf '%0255d' 0)" '-dash' 'back\slash' '$x' '*' '"quote' "tab	tab" '   ' '..x' 'x ' '#' '%' ';' '.hidden' '=' 'a,b:c' "$(printf '\001\033[31m')"; chown 5:6 -- *; mkdir 'd d'; ln -s 'a b' 'd d/l
l'; chown -h 7:8 'd d/l
l'; ln 'a b' 'd d/hard'; ln -s "$(printf '%01000d' 0)" long-link; p=$(printf '%0200d' 1); d=.; for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do d=$d/$p; mkdir "$d"; done; touch "$d/file"; chown 9:9 "$d/file"; setfattr -n user.x -v "$(printf '%0500d' 1)" "$d/file"; mknod "$d/device" c 1 3
(i=0; while [ $i -lt 60 ]; do mkdir "$p" && cd "$p" || exit 1; i=$((i + 1)); done; touch end; chown 3:3 end; stat -c '%u %g' end) 2>/dev/null | while read -r line; do say "$line"; done; rm -rf "$p/$p/$p/$p/$p/$p/$p/$p/$p/$p/$p/$p/$p"
say "$(find . -printf '%p %U %G %m %y\n' | sort | cksum)"
