# What every case left, seen by a later step.
cd /case; for d in */; do [[ $d != *-known/ ]] || continue; say "$d $(find "$d" -not -type s -printf '%P %U %G %m %y %l\n' | sort | cksum)"; done
say "$(stat -c '%n %t %T %F' 15-devices/* 00-ground/replaced/*/device | tr '\n' ';')"; say "$(getcap -r 17-capabilities | sort | tr '\n' ';')"; say "$(stat -c '%n %h' 24-links/* 12-copies/cp-al/*/* 2>/dev/null | tr '\n' ';')"
for d in /etc /home /usr /var /root /opt /srv /media; do say "$d $(find $d -not -path '/var/cache/*' -not -path '/etc/resolv.conf' -not -name '*.pyc' -not -path '/etc/hosts' -not -path '/etc/hostname' -printf '%p %U %G %m %y %l\n' | sort | cksum)"; done
