sleep 1000 & sleep 1000 & (setsid sleep 1000 &) ; nohup sleep 1000 >/dev/null 2>&1 & (trap '' TERM HUP INT; sleep 1000) &
python3 - <<'P'
import os, sys, time
for i in range(20):
    if os.fork() == 0: os._exit(0)
r, w = os.pipe(); ready, done = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon.pid", "w").write("x"); os.chown("daemon.pid", 5, 6); os.write(done, b"1"); os.read(r, 1)
    os._exit(0)
os.read(ready, 1); os.wait(); print("SAY 34-processes: daemon", os.stat("daemon.pid").st_uid)
P
say "$(sh -c 'kill -9 $$' ; echo $?)"; say "$(timeout 0.2 sleep 5; echo $?)"; sh -c 'sleep 0.1 & exec true'; i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i + 1)); done; mkfifo f; (echo through >f &); say "$(cat f)"; say "$(bash -o pipefail -c 'false | true'; echo $?) $(bash -c 'false | true'; echo $?)"; say "$(nproc >/dev/null && echo $$ | wc -l)"
