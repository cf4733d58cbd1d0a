cat >x.spec <<'S'
Name: x
Version: 1
Release: 1
Summary: x
License: x
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/opt/x %{buildroot}/usr/bin
echo one >%{buildroot}/opt/x/one; echo two >%{buildroot}/usr/bin/two; ln -s one %{buildroot}/opt/x/link; ln %{buildroot}/opt/x/one %{buildroot}/opt/x/hard
%files
%dir %attr(2770,games,mail) /opt/x
%attr(4755,daemon,bin) /usr/bin/two
%attr(640,man,news) /opt/x/one
%attr(640,man,news) /opt/x/hard
/opt/x/link
%post
echo post >/opt/x/post; chown 77:88 /opt/x/post
S
rpmbuild -bb --define "_topdir $PWD/top" x.spec >log 2>&1 || { tail -n 5 log; say rpmbuild; }; rm log
mkdir -p root/bin root/etc root/dev; cp /usr/local/bin/busybox32 root/bin/sh; cp /etc/passwd /etc/group root/etc/
rpm --root "$PWD/root" --initdb; say "initdb $?"; rpm --root "$PWD/root" --nodeps -i top/RPMS/noarch/x-1-1.noarch.rpm; say "install $?"
say "$(rpm --root "$PWD/root" -qa) $(rpm --root "$PWD/root" -qlv x | awk '{print $1, $3, $4, $NF}' | tr '\n' ';')"; say "$(rpm --root "$PWD/root" -V --nodeps x; echo $?)"
say "$(find root -not -path '*rpm*' -printf '%P %U %G %m %y %l\n' | sort | tr '\n' ';')"; rm -rf top root/var/lib/rpm root/root
rpmdb --dbpath "$PWD/db" --initdb; say "db $(stat -c "%u %g %a" db)"; rm -rf db /root/.rpmdb
