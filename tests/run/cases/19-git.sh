export GIT_AUTHOR_DATE='2001-02-03T04:05:06Z' GIT_COMMITTER_DATE='2001-02-03T04:05:06Z' GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e HOME=$PWD
git init -q -b main one; cd one; seq 100 | xargs touch; mkdir d; echo x >d/x; chmod 755 d/x; ln -s d/x link; git add .; git commit -q -m first; git tag v1; seq 3000 >big; git add big; git commit -q -m second; cd ..
git clone -q one two; git clone -q --depth 1 "file://$PWD/one" three; git clone -q --bare --no-hardlinks one four.git; git -C two checkout -q v1; git -C one gc -q
say "$(git -C two rev-parse HEAD) $(git -C three rev-parse HEAD) $(git -C four.git rev-parse HEAD) $(git -C two status --porcelain | wc -l)"
chown -R games:mail three; say "$(git -C three status 2>&1 | head -n 1)"; git config --global --add safe.directory '*'; say "$(git -C three status --porcelain 2>&1)"; say "$(su games -s /bin/sh -c "git -C $PWD/three log --oneline; git -C $PWD/three checkout -q -b x && git -C $PWD/three commit -q --allow-empty -m y && git -C $PWD/three rev-parse HEAD" 2>&1 | tr '\n' ';')"
find . -name index -path '*.git*' -delete; find . -path '*/logs*' -name HEAD | wc -l
