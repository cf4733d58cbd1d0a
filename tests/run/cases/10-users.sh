groupadd -g 4000 team; groupadd --system sys1
useradd -m -u 4001 -g team -G sys1,mail -s /bin/bash worker
useradd --system --no-create-home runner; useradd -m -k /etc/skel second
usermod -aG team second; usermod -d /home/elsewhere -m second; usermod -s /bin/sh -c 'The Second' second
chage -M 90 -m 1 -W 5 worker; chage -l worker | tr -s '\t' ' ' | while read -r line; do say "$line"; done
passwd -d second; passwd -l worker; passwd -S worker >status || true; cut -d' ' -f1,2 status >short; say "$(cat short)"; rm status short
echo 'worker:$6$abc$def' | chpasswd -e
gpasswd -a worker team || true; gpasswd -d second team; gpasswd -A worker team
useradd -m third; userdel -r third; groupadd tmpgroup; groupdel tmpgroup; groupmod -n crew team
adduser --system --group --home /var/lib/svc svc; adduser --disabled-password --gecos '' fourth; deluser fourth
for name in worker runner second svc; do say "$(id $name)"; done
say "$(stat -c '%U %G %a' /home/* /var/lib/svc /etc/shadow /etc/gshadow /etc/passwd | tr '\n' ';')"
pwck -r -q >/dev/null || say "pwck $?"; grpck -r >/dev/null || say "grpck $?"
