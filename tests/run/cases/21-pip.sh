mkdir -p src/thing; echo 'def main(): print("thing works")' >src/thing/__init__.py; echo data >src/thing/data.txt
printf 'from setuptools import setup\nsetup(name="thing", version="1.0", packages=["thing"], package_data={"thing": ["data.txt"]}, entry_points={"console_scripts": ["thing=thing:main"]})\n' >src/setup.py
cd src; python3 setup.py -q sdist bdist_wheel; cd ..
pip install -q --root-user-action=ignore --break-system-packages --no-index --no-build-isolation --no-deps src/dist/*.whl; say "$(thing)"; pip uninstall -q -y --break-system-packages --root-user-action=ignore thing
pip install -q --root-user-action=ignore --break-system-packages --no-index --no-build-isolation --no-deps --no-cache-dir src/dist/*.tar.gz; say "$(thing)"; python3 -m venv --without-pip --system-site-packages env && say "$(env/bin/python -c 'import thing; thing.main()')"
say "$(find /usr/local/lib/python3* /usr/local/bin -printf "%p %U %G %m %y\n" | sort | cksum)"; rm -rf src /root/.cache; find /usr/local env -name RECORD -delete; find /usr/local -name direct_url.json -delete
