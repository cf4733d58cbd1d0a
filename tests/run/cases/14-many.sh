mkdir tree; cd tree; for d in $(seq 100); do mkdir "$d"; seq 200 | sed "s,^,$d/," | xargs touch; done; cd ..
chown -R games:mail tree; find tree -name '*7' -exec chown 5:6 {} +; find tree/1* -name 3 -delete; chown -R --from=games:mail man tree/5*
say "$(find tree -printf '%P %U %G\n' | sort | cksum)"
chown -R 0:0 tree/2*; say "$(find tree -printf '%P %U %G\n' | sort | cksum)"
rm -r tree/9*; mkdir tree/9; seq 200 | sed 's,^,tree/9/,' | xargs touch; say "$(find tree -printf '%P %U %G\n' | sort | cksum)"
for i in 1 2 3 4 5 6 7 8 9 10; do touch again; chown 9:9 again; rm again; touch again; say "again $(stat -c '%u %g' again)"; rm again; done
