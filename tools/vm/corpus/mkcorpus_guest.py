#!/usr/bin/env python3
"""Runs inside the zfs-vm guest (as root) and makes the stream corpus in OUT.

Every stream is made by a real `zfs send`; `zstream dump -v` of it is kept as the
oracle. index.part.json has what only the guest knows; the host side
(make-corpus) adds what it reads out of the streams.
"""
import hashlib, json, os, random, re, shutil, stat, subprocess, sys

OUT = "/corpus"
PASS = "correct horse battery staple"          # test passphrase, in the index on purpose
RAWKEY = bytes(range(32))                        # test raw key, likewise
POOL = "tank"
RPOOL = "rest"                                   # a second pool to receive into

index, notes = [], []


def once(cmd):
    """zfs refuses a property given twice: of each -o name=value keep the last."""
    def one(part):
        if not re.match(r"\s*zfs create ", part): return part
        found = re.findall(r"-o ([\w.:]+)=('[^']*'|\S+)", part)
        last = dict(found)
        bare = re.sub(r"-o [\w.:]+=('[^']*'|\S+)\s*", "", part)
        return bare.replace("zfs create ", "zfs create " + "".join(f"-o {k}={v} " for k, v in last.items()), 1)
    return ";".join(one(p) for p in cmd.split(";"))


def sh(cmd, check=True, **kw):
    cmd = once(cmd)
    p = subprocess.run(["bash", "-o", "pipefail", "-c", cmd], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
    if check and p.returncode:
        raise SystemExit(f"FAILED ({p.returncode}): {cmd}\n{p.stdout.decode(errors='replace')}{p.stderr.decode(errors='replace')}")
    return p


def out(cmd):
    return sh(cmd).stdout.decode().strip()


def guid(name):
    return out(f"zfs get -H -p -o value guid '{name}'")


def props(ds):
    want = "type,encryption,keyformat,compression,checksum,recordsize,volblocksize,dnodesize,xattr,longname,dedup"
    r = {}
    for line in out(f"zfs get -H -p -o property,value {want} '{ds}'").splitlines():
        k, v = line.split("\t")
        if v != "-":
            r[k] = v
    return r


def add(name, cmd, ds, snaps=None, frm=None, to=None, group=None, order=None, **extra):
    """Run cmd (a zfs send), keep the stream, the oracle and an index entry."""
    path = f"{OUT}/{name}.zstream"
    p = sh(f"{cmd} > {path}", check=False)
    if p.returncode:
        notes.append({"name": name, "failed": cmd, "rc": p.returncode, "stderr": p.stderr.decode()})
        os.unlink(path)
        print("NOT MADE", name, p.stderr.decode().strip())
        return False
    dump(name)
    e = {"name": name, "command": cmd, "dataset": ds, "dataset_props": props(ds.split("@")[0]) if ds else {},
         "stderr": p.stderr.decode()}
    if snaps: e["snapshots"] = snaps
    if frm: e["from_name"], e["fromguid"] = frm, guid(frm)
    if to: e["to_name"], e["toguid"] = to, guid(to)
    if group: e["chain"] = {"group": group, "order": order}
    e.update(extra)
    index.append(e)
    print("made", name, os.path.getsize(path))
    return True


def dump(name):
    p = sh(f"zstream dump -v {OUT}/{name}.zstream", check=False)
    with open(f"{OUT}/{name}.dump.txt", "wb") as f:
        f.write(p.stdout)
    return p


rnd = random.Random(20240607)


def w(path, data, at=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if at is None:
        with open(path, "wb") as f: f.write(data)
    else:
        with open(path, "r+b") as f:
            f.seek(at); f.write(data)


def noise(n): return rnd.randbytes(n)
def text(n): return (b"the quick brown fox jumps over the lazy dog. " * (n // 45 + 1))[:n]


def manifest(root, name):
    """What a restored file system must look like."""
    r = []
    for d, dirs, files in os.walk(os.fsencode(root)):
        dirs.sort()
        for f in sorted(dirs + files) + ([b""] if d == os.fsencode(root) else []):
            p = os.path.join(d, f) if f else d
            st = os.lstat(p)
            e = {"path": os.fsdecode(os.path.relpath(p, os.fsencode(root))), "mode": oct(st.st_mode), "uid": st.st_uid, "gid": st.st_gid,
                 "nlink": st.st_nlink, "mtime_ns": st.st_mtime_ns}
            if stat.S_ISREG(st.st_mode):
                h = hashlib.sha256(open(p, "rb").read()).hexdigest()
                e["size"], e["sha256"] = st.st_size, h
            if stat.S_ISLNK(st.st_mode): e["target"] = os.fsdecode(os.readlink(p))
            x = {a: os.getxattr(p, a, follow_symlinks=False).hex() for a in os.listxattr(p, follow_symlinks=False)}
            if x: e["xattr"] = {k: (v if len(v) <= 64 else "sha256:" + hashlib.sha256(bytes.fromhex(v)).hexdigest()) for k, v in sorted(x.items())}
            r.append(e)
    with open(f"{OUT}/{name}.files.json", "w") as f:
        json.dump(r, f, indent=0, ensure_ascii=True)
    return f"{name}.files.json"


def fill_small(m):
    for i in range(4): w(f"{m}/dir/noise{i}", noise(3000 + 1500 * i))
    for i in range(4): w(f"{m}/dir/text{i}", text(5000 + 4000 * i))
    w(f"{m}/zeros", bytes(20000))
    w(f"{m}/tiny", text(600))
    w(f"{m}/empty", b"")
    os.symlink("dir/noise0", f"{m}/link")
    os.link(f"{m}/dir/noise1", f"{m}/hard")


ENC = f"-o encryption=aes-256-gcm -o keyformat=passphrase -o pbkdf2iters=100000 -o keylocation=file:///tmp/pass"
ENCRAW = f"-o encryption=aes-256-gcm -o keyformat=raw -o keylocation=file:///tmp/rawkey"
COMMON = "-o recordsize=4k -o atime=off -o xattr=sa -o compression=lz4"


def setup():
    shutil.rmtree(OUT, ignore_errors=True); os.makedirs(OUT)
    open("/tmp/pass", "w").write(PASS); open("/tmp/rawkey", "wb").write(RAWKEY)
    for p in (POOL, RPOOL):
        sh(f"zpool destroy -f {p}", check=False)
        # 512-byte sectors at the source, so that 4 KiB records can shrink when compressed
        sh(f"rm -f /vdev-{p}; truncate -s 3G /vdev-{p}; zpool create -o ashift={9 if p == POOL else 12} -O atime=off -m /{p} {p} /vdev-{p}")


def simple():
    sh(f"zfs create {COMMON} -o compression=off {POOL}/plain"); fill_small(f"/{POOL}/plain")
    sh(f"zfs snapshot {POOL}/plain@s1"); m = manifest(f"/{POOL}/plain", "plain.s1")
    add("plain-full", f"zfs send {POOL}/plain@s1", f"{POOL}/plain", to=f"{POOL}/plain@s1", files=m, group="plain", order=1)
    add("plain-full-w", f"zfs send -w {POOL}/plain@s1", f"{POOL}/plain", to=f"{POOL}/plain@s1", files=m, note="-w on a dataset that is not encrypted")
    w(f"/{POOL}/plain/dir/new", noise(4000)); os.unlink(f"/{POOL}/plain/dir/text3")
    sh(f"zfs snapshot {POOL}/plain@s2"); m = manifest(f"/{POOL}/plain", "plain.s2")
    add("plain-incr", f"zfs send -i @s1 {POOL}/plain@s2", f"{POOL}/plain", frm=f"{POOL}/plain@s1", to=f"{POOL}/plain@s2", files=m, group="plain", order=2)
    sh(f"zfs snapshot {POOL}/plain@s3")
    add("plain-incr-empty", f"zfs send -i @s2 {POOL}/plain@s3", f"{POOL}/plain", frm=f"{POOL}/plain@s2", to=f"{POOL}/plain@s3", group="plain", order=3, note="nothing changed between the snapshots")

    sh(f"zfs create {COMMON} {POOL}/lz4"); fill_small(f"/{POOL}/lz4"); sh(f"zfs snapshot {POOL}/lz4@s1")
    m = manifest(f"/{POOL}/lz4", "lz4.s1")
    add("lz4-full", f"zfs send {POOL}/lz4@s1", f"{POOL}/lz4", to=f"{POOL}/lz4@s1", files=m)
    add("lz4-full-c", f"zfs send -c {POOL}/lz4@s1", f"{POOL}/lz4", to=f"{POOL}/lz4@s1", files=m)
    add("lz4-full-e", f"zfs send -e {POOL}/lz4@s1", f"{POOL}/lz4", to=f"{POOL}/lz4@s1", files=m)

    sh(f"zfs create -o recordsize=1M -o atime=off -o compression=lz4 {POOL}/large"); mp = f"/{POOL}/large"
    w(f"{mp}/big-text", text(3 << 20)); w(f"{mp}/half-noise", noise(150000) + bytes(400000)); w(f"{mp}/embed", b"A" * 2000); w(f"{mp}/tiny", b"x")
    sh(f"zfs snapshot {POOL}/large@s1"); m = manifest(mp, "large.s1")
    add("large-full-Lec", f"zfs send -L -e -c {POOL}/large@s1", f"{POOL}/large", to=f"{POOL}/large@s1", files=m)
    add("large-full-w", f"zfs send -w {POOL}/large@s1", f"{POOL}/large", to=f"{POOL}/large@s1", files=m)

    for algo in ("sha512", "blake3", "edonr", "skein"):
        sh(f"zfs create {COMMON} -o checksum={algo} {POOL}/ck-{algo}"); fill_small(f"/{POOL}/ck-{algo}"); sh(f"zfs snapshot {POOL}/ck-{algo}@s1")
        add(f"checksum-{algo}-full-c", f"zfs send -c {POOL}/ck-{algo}@s1", f"{POOL}/ck-{algo}", to=f"{POOL}/ck-{algo}@s1")
    sh(f"zfs create {COMMON} -o recordsize=64k -o compression=zstd-9 {POOL}/zstd"); fill_small(f"/{POOL}/zstd"); sh(f"zfs snapshot {POOL}/zstd@s1")
    add("zstd-full-c", f"zfs send -c {POOL}/zstd@s1", f"{POOL}/zstd", to=f"{POOL}/zstd@s1", files=manifest(f"/{POOL}/zstd", "zstd.s1"))
    sh(f"zfs create {COMMON} -o compression=gzip-6 {POOL}/gzip"); fill_small(f"/{POOL}/gzip"); sh(f"zfs snapshot {POOL}/gzip@s1")
    add("gzip-full-c", f"zfs send -c {POOL}/gzip@s1", f"{POOL}/gzip", to=f"{POOL}/gzip@s1")

    sh(f"zfs create {COMMON} -o dnodesize=4k {POOL}/dnode"); fill_small(f"/{POOL}/dnode")
    for i in range(20): os.setxattr(f"/{POOL}/dnode/dir/noise0", f"user.k{i}", noise(90))
    sh(f"zfs snapshot {POOL}/dnode@s1")
    add("large-dnode-full", f"zfs send {POOL}/dnode@s1", f"{POOL}/dnode", to=f"{POOL}/dnode@s1", files=manifest(f"/{POOL}/dnode", "dnode.s1"))
    add("large-dnode-full-c", f"zfs send -c {POOL}/dnode@s1", f"{POOL}/dnode", to=f"{POOL}/dnode@s1")

    # long names: a file name of 600 bytes
    p = sh(f"zfs create {COMMON} -o longname=on {POOL}/longname", check=False)
    if p.returncode == 0:
        fill_small(f"/{POOL}/longname"); w(f"/{POOL}/longname/" + "n" * 600, b"long")
        sh(f"zfs snapshot {POOL}/longname@s1")
        add("longname-full-c", f"zfs send -c {POOL}/longname@s1", f"{POOL}/longname", to=f"{POOL}/longname@s1", files=manifest(f"/{POOL}/longname", "longname.s1"))
    else: notes.append({"name": "longname", "stderr": p.stderr.decode()})

    # large microzap: directories keep the micro format past 128 KiB (module parameter)
    prm = "/sys/module/zfs/parameters/zap_micro_max_size"
    if os.path.exists(prm):
        old = open(prm).read().strip()
        open(prm, "w").write(str(1 << 20))
        sh(f"zfs create -o recordsize=1M -o atime=off -o compression=lz4 {POOL}/mzap"); d = f"/{POOL}/mzap"
        w(f"{d}/f", b"target")
        for i in range(2600): os.link(f"{d}/f", f"{d}/e{i:05d}")
        sh(f"zfs snapshot {POOL}/mzap@s1")
        open(prm, "w").write(old)
        add("large-microzap-full-Lc", f"zfs send -L -c {POOL}/mzap@s1", f"{POOL}/mzap", to=f"{POOL}/mzap@s1", note="zap_micro_max_size=1M when the directory was filled")

    sh(f"zfs create {COMMON} -o com.example:owner=alice -o com.example:note='two words, ünïcödé' {POOL}/uprop"); fill_small(f"/{POOL}/uprop"); sh(f"zfs snapshot -o com.example:snap=yes {POOL}/uprop@s1")
    add("userprop-full-p", f"zfs send -p {POOL}/uprop@s1", f"{POOL}/uprop", to=f"{POOL}/uprop@s1", note="-p: package with dataset properties, user property included")
    add("userprop-full-b", f"zfs send -b -p {POOL}/uprop@s1", f"{POOL}/uprop", to=f"{POOL}/uprop@s1", note="-b: received properties only")
    sh(f"zfs hold keep-me {POOL}/uprop@s1")
    add("holds-full", f"zfs send -h {POOL}/uprop@s1", f"{POOL}/uprop", to=f"{POOL}/uprop@s1", note="--holds; hold tag keep-me on the snapshot")
    add("holds-props-full", f"zfs send -h -p {POOL}/uprop@s1", f"{POOL}/uprop", to=f"{POOL}/uprop@s1", note="--holds -p; hold tag keep-me on the snapshot")
    sh(f"zfs release keep-me {POOL}/uprop@s1")


def encrypted():
    sh(f"zfs create {COMMON} {ENC} {POOL}/encpass"); fill_small(f"/{POOL}/encpass"); sh(f"zfs snapshot {POOL}/encpass@s1")
    add("raw-pass-full", f"zfs send -w {POOL}/encpass@s1", f"{POOL}/encpass", to=f"{POOL}/encpass@s1", files=manifest(f"/{POOL}/encpass", "encpass.s1"), key={"passphrase": PASS})
    add("raw-pass-full-p", f"zfs send -w -p {POOL}/encpass@s1", f"{POOL}/encpass", to=f"{POOL}/encpass@s1", key={"passphrase": PASS})
    add("decrypted-full", f"zfs send {POOL}/encpass@s1", f"{POOL}/encpass", to=f"{POOL}/encpass@s1", note="no -w: an encrypted dataset leaves decrypted (NOT raw)")
    sh(f"zfs snapshot {POOL}/encpass@s2")
    add("raw-pass-incr-empty", f"zfs send -w -i @s1 {POOL}/encpass@s2", f"{POOL}/encpass", frm=f"{POOL}/encpass@s1", to=f"{POOL}/encpass@s2", key={"passphrase": PASS}, note="nothing changed between the snapshots")
    sh(f"zfs create {COMMON} {ENCRAW} {POOL}/encraw"); fill_small(f"/{POOL}/encraw"); sh(f"zfs snapshot {POOL}/encraw@s1")
    add("raw-rawkey-full", f"zfs send -w {POOL}/encraw@s1", f"{POOL}/encraw", to=f"{POOL}/encraw@s1", files=manifest(f"/{POOL}/encraw", "encraw.s1"), key={"raw_hex": RAWKEY.hex()})
    open("/tmp/hexkey", "w").write(RAWKEY.hex())
    sh(f"zfs create {COMMON} -o encryption=aes-128-ccm -o keyformat=hex -o keylocation=file:///tmp/hexkey {POOL}/encccm")
    fill_small(f"/{POOL}/encccm"); sh(f"zfs snapshot {POOL}/encccm@s1")
    add("raw-ccm-hex-full", f"zfs send -w {POOL}/encccm@s1", f"{POOL}/encccm", to=f"{POOL}/encccm@s1", key={"hex": RAWKEY.hex()})
    # a changed wrapping key between two snapshots
    w(f"/{POOL}/encpass/after", noise(2000)); sh(f"printf %s 'another pass phrase' > /tmp/pass2; zfs change-key -o keylocation=file:///tmp/pass2 {POOL}/encpass; zfs snapshot {POOL}/encpass@s3")
    add("raw-pass-incr-newkey", f"zfs send -w -i @s2 {POOL}/encpass@s3", f"{POOL}/encpass", frm=f"{POOL}/encpass@s2", to=f"{POOL}/encpass@s3", key={"passphrase": "another pass phrase"}, note="zfs change-key between the snapshots; the new wrapping travels in this stream")


def chain():
    ds, mp = f"{POOL}/chain", f"/{POOL}/chain"
    sh(f"zfs create {COMMON} -o dnodesize=auto {ENC} {ds}")
    # s0
    for i in range(8): w(f"{mp}/a/f{i}", noise(1000 + 700 * i))
    w(f"{mp}/b/text", text(40000)); w(f"{mp}/b/noise", noise(24000)); w(f"{mp}/b/full-zero", bytes(12000))
    os.symlink("b/text", f"{mp}/sym"); os.mkfifo(f"{mp}/fifo"); os.link(f"{mp}/a/f3", f"{mp}/b/hard3")
    os.setxattr(f"{mp}/a/f0", "user.color", b"blue")
    sh(f"zfs snapshot {ds}@s0"); ms = [manifest(mp, "chain.s0")]
    # s1: create, overwrite, spill block
    for i in range(5): w(f"{mp}/c/new{i}", noise(2000) if i % 2 else text(6000))
    w(f"{mp}/b/noise", noise(4096), at=8192); w(f"{mp}/b/noise", b"!" * 100, at=50)
    os.setxattr(f"{mp}/a/f0", "user.color", b"red")
    for i in range(12): os.setxattr(f"{mp}/a/f1", f"user.spill{i}", noise(120))
    sh(f"zfs snapshot {ds}@s1"); ms.append(manifest(mp, "chain.s1"))
    # s2: truncate, delete, rename
    os.truncate(f"{mp}/b/text", 9000); os.unlink(f"{mp}/a/f2"); os.unlink(f"{mp}/c/new1"); os.rename(f"{mp}/a/f4", f"{mp}/a/renamed4"); os.rename(f"{mp}/c", f"{mp}/c-moved"); shutil.rmtree(f"{mp}/nothing", ignore_errors=True)
    os.removexattr(f"{mp}/a/f1", "user.spill3")
    sh(f"zfs snapshot {ds}@s2"); ms.append(manifest(mp, "chain.s2"))
    # s3: holes, sparse, hard links
    sh(f"fallocate -p -o 4096 -l 8192 {mp}/b/noise"); w(f"{mp}/b/sparse", b"start"); os.truncate(f"{mp}/b/sparse", 5 << 20); w(f"{mp}/b/sparse", b"middle", at=2 << 20)
    for i in range(20): os.link(f"{mp}/a/f5", f"{mp}/a/f5-link{i}")
    sh(f"zfs snapshot {ds}@s3"); ms.append(manifest(mp, "chain.s3"))
    # s4: directory growth, fat zap (names over 50 bytes), modes, owners
    os.makedirs(f"{mp}/grow")
    for i in range(500): os.link(f"{mp}/a/f6", f"{mp}/grow/entry-{i:04d}")
    os.makedirs(f"{mp}/fat"); 
    for i in range(60): os.link(f"{mp}/a/f6", f"{mp}/fat/" + f"a-name-long-enough-for-a-fat-directory-{i:03d}-" + "x" * 40)
    for i in range(40): w(f"{mp}/many/s{i}", b"s" * i)
    os.chmod(f"{mp}/a/f7", 0o600); os.chown(f"{mp}/a/f7", 1000, 1001)
    sh(f"zfs snapshot {ds}@s4"); ms.append(manifest(mp, "chain.s4"))
    key = {"passphrase": PASS}
    add("chain-full", f"zfs send -w {ds}@s0", ds, to=f"{ds}@s0", files=ms[0], key=key, group="chain", order=1)
    for i in range(1, 5):
        add(f"chain-incr{i}", f"zfs send -w -i @s{i-1} {ds}@s{i}", ds, frm=f"{ds}@s{i-1}", to=f"{ds}@s{i}", files=ms[i], key=key, group="chain", order=i + 1)
    add("chain-I-package", f"zfs send -w -I @s0 {ds}@s4", ds, frm=f"{ds}@s0", to=f"{ds}@s4", snaps=[f"{ds}@s{i}" for i in range(1, 5)], files=ms[4], key=key, note="-I: one package, four streams; receive onto s0")
    add("chain-i-wide", f"zfs send -w -i @s1 {ds}@s4", ds, frm=f"{ds}@s1", to=f"{ds}@s4", files=ms[4], key=key, note="-i over several snapshots: one stream, snapshots between are not in it")
    sh(f"zfs bookmark {ds}@s2 {ds}#bm2")
    add("chain-from-bookmark", f"zfs send -w -i {ds}#bm2 {ds}@s3", ds, frm=f"{ds}#bm2", to=f"{ds}@s3", files=ms[3], key=key, note="base is a bookmark; guid of #bm2 equals guid of @s2; interchangeable with chain-incr3 on the target")
    add("chain-incr2-decrypted", f"zfs send -i @s1 {ds}@s2", ds, frm=f"{ds}@s1", to=f"{ds}@s2", note="no -w: not raw")
    # clone
    sh(f"zfs clone {ds}@s4 {POOL}/chain-clone"); w(f"/{POOL}/chain-clone/in-clone", noise(3000)); sh(f"zfs snapshot {POOL}/chain-clone@c1")
    add("clone-incr-from-origin", f"zfs send -w -i {ds}@s4 {POOL}/chain-clone@c1", f"{POOL}/chain-clone", frm=f"{ds}@s4", to=f"{POOL}/chain-clone@c1", key=key, note="incremental whose base is the origin of a clone (BEGIN has the clone flag)")

    # resume: cut a raw full stream while it is received
    sh(f"zfs send -w {ds}@s0 > /tmp/full.zs"); size = os.path.getsize("/tmp/full.zs"); cut = size * 6 // 10
    sh(f"head -c {cut} /tmp/full.zs > {OUT}/resume-part1.zstream")
    p = sh(f"zfs receive -s -u {RPOOL}/resume < {OUT}/resume-part1.zstream", check=False)
    tok = out(f"zfs get -H -o value receive_resume_token {RPOOL}/resume")
    open(f"{OUT}/resume.token.txt", "w").write(tok + "\n")
    nv = sh(f"zfs send -nv -t {tok}", check=False)
    open(f"{OUT}/resume.token-nv.txt", "wb").write(nv.stdout + nv.stderr)
    d = dump("resume-part1")
    index.append({"name": "resume-part1", "command": f"zfs send -w {ds}@s0 | head -c {cut}", "dataset": ds, "dataset_props": props(ds), "to_name": f"{ds}@s0", "toguid": guid(f"{ds}@s0"),
                  "damage": "cut inside a record", "receive": {"command": f"zfs receive -s -u {RPOOL}/resume", "rc": p.returncode, "stderr": p.stderr.decode()}, "zstream_dump": {"rc": d.returncode, "stderr": d.stderr.decode()},
                  "token": "resume.token.txt", "token_nv": "resume.token-nv.txt", "key": key, "chain": {"group": "resume", "order": 1}})
    add("resume-part2", f"zfs send -t {tok}", ds, to=f"{ds}@s0", files=ms[0], key=key, group="resume", order=2, note="stream made from the token in resume.token.txt; features include RESUMING")
    if sh(f"zfs list {RPOOL}/resume", check=False).returncode == 0:
        add("saved-partial-S", f"zfs send -S {RPOOL}/resume", None, note="zfs send --saved of a partially received state")
    p = sh(f"zfs receive -s -u {RPOOL}/resume < {OUT}/resume-part2.zstream", check=False)
    index[-1]["receive"] = {"rc": p.returncode, "stderr": p.stderr.decode()}
    ok = guid(f"{RPOOL}/resume@s0") == guid(f"{ds}@s0")
    notes.append({"resume received": ok})


def zvols():
    for name, enc in (("vol", ""), ("volenc", ENC)):
        ds = f"{POOL}/{name}"
        sh(f"zfs create -V 4M -o volblocksize=16k -o compression=lz4 {enc} {ds}; udevadm settle")
        dev = f"/dev/zvol/{ds}"
        fd = os.open(dev, os.O_RDWR)
        os.pwrite(fd, noise(65536), 0); os.pwrite(fd, text(131072), 1 << 20); os.fsync(fd); os.close(fd)
        sh(f"zfs snapshot {ds}@v1"); h1 = out(f"sha256sum < {dev}").split()[0]
        fd = os.open(dev, os.O_RDWR); os.pwrite(fd, noise(16384), 32768); os.pwrite(fd, bytes(65536), 1 << 20); os.pwrite(fd, text(4096), 3 << 20); os.fsync(fd); os.close(fd)
        sh(f"blkdiscard -o 0 -l 16384 {dev}", check=False)
        sh(f"zfs snapshot {ds}@v2"); h2 = out(f"sha256sum < {dev}").split()[0]
        pre, fl, key = ("zvol-raw", "-w", {"passphrase": PASS}) if enc else ("zvol-plain", "-c", None)
        add(f"{pre}-full", f"zfs send {fl} {ds}@v1", ds, to=f"{ds}@v1", key=key, device_sha256=h1, group=pre, order=1)
        add(f"{pre}-incr", f"zfs send {fl} -i @v1 {ds}@v2", ds, frm=f"{ds}@v1", to=f"{ds}@v2", key=key, device_sha256=h2, group=pre, order=2)


def replication():
    ds = f"{POOL}/tree"
    sh(f"zfs create {COMMON} {ENC} -o com.example:team=blue {ds}; zfs create {ds}/home; zfs create -o recordsize=8k -o compression=zstd {ds}/home/ann; zfs create -V 2M -o volblocksize=16k {ds}/vol; zfs set quota=50M {ds}/home; udevadm settle")
    fill_small(f"/{ds}/home"); w(f"/{ds}/home/ann/letter", text(9000)); w(f"/{ds}/root", b"r")
    sh(f"zfs snapshot -r {ds}@r1"); w(f"/{ds}/home/ann/letter2", noise(3000)); sh(f"zfs snapshot -r {ds}@r2"); sh(f"zfs hold tagged {ds}/home@r2")
    snaps = [f"{d}@{s}" for d in (ds, f"{ds}/home", f"{ds}/home/ann", f"{ds}/vol") for s in ("r1", "r2")]
    key = {"passphrase": PASS}
    add("R-raw-full", f"zfs send -w -R {ds}@r2", ds, to=f"{ds}@r2", snaps=snaps, key=key, note="-R: whole tree with all snapshots and properties")
    add("R-raw-full-holds", f"zfs send -w -R -h {ds}@r2", ds, to=f"{ds}@r2", snaps=snaps, key=key, note="-R -h; hold tag 'tagged' on home@r2")
    w(f"/{ds}/home/ann/letter3", noise(500)); sh(f"zfs rename {ds}/vol {ds}/volume; zfs create {ds}/late; zfs snapshot -r {ds}@r3")
    add("R-raw-incr-I", f"zfs send -w -R -I @r2 {ds}@r3", ds, frm=f"{ds}@r2", to=f"{ds}@r3", key=key, note="-R -I after a child was renamed and one made")
    add("R-raw-incr-i", f"zfs send -w -R -i @r1 {ds}@r3", ds, frm=f"{ds}@r1", to=f"{ds}@r3", key=key)
    sh(f"zfs release tagged {ds}/home@r2")


def redacted():
    ds = f"{POOL}/redsrc"
    sh(f"zfs create {COMMON} {ds}"); fill_small(f"/{ds}"); w(f"/{ds}/secret", noise(16000)); sh(f"zfs snapshot {ds}@s1; zfs clone {ds}@s1 {POOL}/redclone")
    w(f"/{POOL}/redclone/secret", bytes(16000)); os.unlink(f"/{POOL}/redclone/dir/noise2"); sh(f"zfs snapshot {POOL}/redclone@r; zfs redact {ds}@s1 book {POOL}/redclone@r")
    add("redacted-full", f"zfs send --redact book {ds}@s1", ds, to=f"{ds}@s1", note="redacted send")
    p = sh(f"zfs send -w --redact book {ds}@s1 > /dev/null", check=False)
    notes.append({"redacted raw": p.returncode, "stderr": p.stderr.decode()})


def damaged():
    """Broken variants of chain-full and chain-incr1, with what ZFS says of them."""
    full = open(f"{OUT}/chain-full.zstream", "rb").read()
    incr = open(f"{OUT}/chain-incr1.zstream", "rb").read()
    ds = f"{POOL}/chain"

    def records(b):
        pos = 0
        import struct
        while pos + 312 <= len(b):
            t, plen = struct.unpack_from("<II", b, pos)
            f = b[pos + 8:pos + 312]
            n = plen
            if t == 3:    # WRITE
                logical, = struct.unpack_from("<Q", f, 24)
                compressed, = struct.unpack_from("<Q", f, 88)
                n = compressed or logical
            elif t == 7:  # SPILL
                ln, = struct.unpack_from("<Q", f, 8); comp, = struct.unpack_from("<Q", f, 32)
                n = comp or ln
            elif t == 1:  # OBJECT
                bl, = struct.unpack_from("<I", f, 20); raw, = struct.unpack_from("<I", f, 28)
                n = raw or ((bl + 7) & ~7)
            elif t == 8:  # WRITE_EMBEDDED
                ps, = struct.unpack_from("<I", f, 44); n = (ps + 7) & ~7
            yield pos, t, n
            pos += 312 + n
    recs = list(records(full))
    assert recs[-1][1] == 5 and recs[-1][0] + 312 == len(full), recs[-3:]
    writes = [r for r in recs if r[1] == 3 and r[2] > 500]
    r = writes[len(writes) // 2]

    def flip(b, at, bit=4):
        c = bytearray(b); c[at] ^= 1 << bit; return bytes(c)
    irecs = list(records(incr))
    iw = [x for x in irecs if x[1] == 3][2]
    variants = [
        ("damaged-cut-mid-payload", full[:r[0] + 312 + r[2] // 2], "cut in the middle of a WRITE payload", None),
        ("damaged-cut-mid-header", full[:r[0] + 100], "cut in the middle of a record header", None),
        ("damaged-cut-at-record", full[:r[0]], "cut exactly between two records", None),
        ("damaged-cut-before-end", full[:-312], "whole but for the END record", None),
        ("damaged-cut-in-begin", full[:200], "cut inside the BEGIN record", None),
        ("damaged-empty", b"", "no byte at all", None),
        ("damaged-flip-payload", flip(full, r[0] + 312 + 7), "one bit of a WRITE payload", None),
        ("damaged-flip-header", flip(full, r[0] + 8 + 16, 0), "one bit of the offset field of a WRITE record", None),
        ("damaged-flip-checksum", flip(full, r[0] + 290), "one bit of a record's own checksum", None),
        ("damaged-flip-begin", flip(full, 8 + 32, 1), "one bit of toguid in BEGIN", None),
        ("damaged-flip-end", flip(full, len(full) - 312 + 8 + 3), "one bit of the checksum in END", None),
        ("damaged-extra-tail", full + b"trailing bytes " * 8, "bytes after END", None),
        ("damaged-incr-flip-payload", flip(incr, iw[0] + 312 + 3), "one bit of a WRITE payload of an incremental", "chain-full"),
    ]
    for name, data, what, base in variants:
        open(f"{OUT}/{name}.zstream", "wb").write(data)
        d = dump(name)
        t = f"{RPOOL}/{name}"
        if base:
            sh(f"zfs receive -u {t} < {OUT}/{base}.zstream")
        p = sh(f"zfs receive -u {t} < {OUT}/{name}.zstream", check=False)
        after = sh(f"zfs list -H -t all -r -o name,type {t}", check=False)
        rec = {"plain": {"command": f"zfs receive -u {t}", "rc": p.returncode, "stderr": p.stderr.decode(), "afterwards": after.stdout.decode().split("\n")[:-1]}}
        sh(f"zfs destroy -r {t}", check=False)
        if base:
            sh(f"zfs receive -u {t} < {OUT}/{base}.zstream")
        p = sh(f"zfs receive -s -u {t} < {OUT}/{name}.zstream", check=False)
        after = sh(f"zfs list -H -t all -r -o name,type {t}", check=False)
        tok = sh(f"zfs get -H -o value receive_resume_token {t}", check=False).stdout.decode().strip()
        rec["resumable"] = {"command": f"zfs receive -s -u {t}", "rc": p.returncode, "stderr": p.stderr.decode(), "afterwards": after.stdout.decode().split("\n")[:-1], "token": tok}
        sh(f"zfs receive -A {t}", check=False); sh(f"zfs destroy -r {t}", check=False)
        index.append({"name": name, "made_from": base and "chain-incr1" or "chain-full", "damage": what, "dataset": ds, "zstream_dump": {"rc": d.returncode, "stderr": d.stderr.decode()}, "receive": rec})
        print("made", name)
    # two incrementals swapped: no new file, just the outcome
    t = f"{RPOOL}/swapped"
    sh(f"zfs receive -u {t} < {OUT}/chain-full.zstream")
    p = sh(f"zfs receive -u {t} < {OUT}/chain-incr2.zstream", check=False)
    q = sh(f"zfs receive -u {t} < {OUT}/chain-incr1.zstream", check=False)
    q2 = sh(f"zfs receive -u {t} < {OUT}/chain-incr1.zstream", check=False)
    index.append({"name": "order-swapped", "no_file": True, "damage": "chain-full, then chain-incr2, chain-incr1, chain-incr1 again", "receive": [
        {"stream": "chain-incr2", "rc": p.returncode, "stderr": p.stderr.decode()}, {"stream": "chain-incr1", "rc": q.returncode, "stderr": q.stderr.decode()}, {"stream": "chain-incr1 (again)", "rc": q2.returncode, "stderr": q2.stderr.decode()}]})
    sh(f"zfs destroy -r {t}")


def verify():
    """Receive the receivable chains and compare files."""
    def load(t, key):
        if key is None: return
        f = {"passphrase": key.get("passphrase", "").encode(), "raw": bytes.fromhex(key.get("raw_hex", "")), "hex": key.get("hex", "").encode()}
        data = next(v for v in f.values() if v)
        open("/tmp/vk", "wb").write(data)
        sh(f"zfs load-key -L file:///tmp/vk {t}")
    groups = {}
    for e in index:
        if e.get("no_file") or "damage" in e: continue
        if "chain" in e and e["chain"]["group"] != "resume": groups.setdefault(e["chain"]["group"], []).append(e)
        elif "files" in e and not e.get("fromguid") and e["name"] != "resume-part2": groups[e["name"]] = [e]
    for g, es in groups.items():
        t = f"{RPOOL}/ver-{g}"
        for e in sorted(es, key=lambda e: e.get("chain", {}).get("order", 0)):
            p = sh(f"zfs receive -u -o mountpoint=/{t} {t} < {OUT}/{e['name']}.zstream" if "zvol" not in g else f"zfs receive -u {t} < {OUT}/{e['name']}.zstream", check=False)
            e["verified"] = {"receive_rc": p.returncode, "stderr": p.stderr.decode()}
            if p.returncode: print("RECEIVE FAILED", e["name"], p.stderr.decode()); continue
            if e.get("toguid"):
                s = e["to_name"].split("@")[1]
                e["verified"]["guid_equal"] = guid(f"{t}@{s}") == e["toguid"]
            if e.get("key") and out(f"zfs get -H -o value keystatus {t}") != "available": load(t, e["key"])
            if "files" in e:
                # the snapshot, not the file system: mounting a received encrypted
                # file system read-write counts as a change, and the next incremental is refused
                sh(f"mkdir -p /mnt/v; mount -t zfs {t}@{s} /mnt/v")
                manifest("/mnt/v", "check")
                a, b = (json.load(open(f"{OUT}/{x}")) for x in ("check.files.json", e["files"]))
                e["verified"]["files_equal"] = a == b
                if a != b: print("FILES DIFFER", e["name"], [x for x in a if x not in b][:2], [x for x in b if x not in a][:2])
                sh("umount /mnt/v"); os.unlink(f"{OUT}/check.files.json")
            if "device_sha256" in e:
                sh("udevadm settle; sleep 0.3")
                e["verified"]["device_equal"] = out(f"sha256sum < /dev/zvol/{t}").split()[0] == e["device_sha256"]
        sh(f"zfs destroy -r {t}", check=False)

    def seq(name, steps, look):
        t = f"{RPOOL}/seq"; sh(f"zfs destroy -r {t}", check=False)
        r = []
        for stream, flags in steps:
            p = sh(f"zfs receive {flags} {t} < {OUT}/{stream}.zstream", check=False); r.append({"stream": stream, "command": f"zfs receive {flags} {t}", "rc": p.returncode, "stderr": p.stderr.decode()})
        snaps = sh(f"zfs list -H -r -t snapshot -o name,guid {t}", check=False).stdout.decode().splitlines()
        notes.append({"sequence": name, "steps": r, "snapshots_afterwards": snaps, "look": [[c.format(t=t), sh(c.format(t=t), check=False).stdout.decode()] for c in look]})
        sh(f"zfs holds -H -r {t}@s1 | while read -r s tag rest; do zfs release $tag $s; done", check=False)
        sh(f"zfs destroy -r {t}", check=False)
    seq("-I package onto its base", [("chain-full", "-u"), ("chain-I-package", "-u")], [])
    seq("-i over several snapshots", [("chain-full", "-u"), ("chain-incr1", "-u"), ("chain-i-wide", "-u")], [])
    seq("from a bookmark", [("chain-full", "-u"), ("chain-incr1", "-u"), ("chain-incr2", "-u"), ("chain-from-bookmark", "-u"), ("chain-incr4", "-u")], [])
    seq("replication package", [("R-raw-full", "-u")], ["zfs get -H -r -t filesystem,volume -o name,property,value,source encryptionroot,keystatus,keylocation,com.example:team,quota {t}"])
    seq("replication package, then -R -I", [("R-raw-full", "-u"), ("R-raw-incr-I", "-u -F")], [])
    seq("replication package, then -R -I without -F", [("R-raw-full", "-u"), ("R-raw-incr-I", "-u")], [])
    seq("replication package, then -R -i", [("R-raw-full", "-u"), ("R-raw-incr-i", "-u -F")], [])
    seq("user properties", [("userprop-full-p", "-u")], ["zfs get -H -o property,value,source com.example:owner,com.example:note,recordsize {t}", "zfs get -H -o property,value,source com.example:snap {t}@s1"])
    seq("holds", [("holds-full", "-u")], ["zfs holds -H {t}@s1"])
    seq("holds with properties", [("holds-props-full", "-u")], ["zfs holds -H {t}@s1"])
    seq("holds, receive -h", [("holds-props-full", "-u -h")], ["zfs holds -H {t}@s1"])
    seq("changed key in an incremental", [("raw-pass-full", "-u"), ("raw-pass-incr-empty", "-u"), ("raw-pass-incr-newkey", "-u")], ["printf %s 'another pass phrase' > /tmp/vk; zfs load-key -L file:///tmp/vk {t} && echo new key loads"])
    seq("a decrypted incremental onto a raw chain", [("chain-full", "-u"), ("chain-incr1", "-u"), ("chain-incr2-decrypted", "-u")], [])
    seq("redacted", [("redacted-full", "-u")], ["zfs get -H -o property,value redact_snaps,redacted {t}"])


setup()
for step in (simple, encrypted, chain, zvols, replication, redacted, damaged, verify):
    print("==", step.__name__, flush=True)
    try:
        step()
    except BaseException as ex:          # keep what was made
        notes.append({"step": step.__name__, "error": repr(ex)[:2000]}); print("STEP FAILED", step.__name__, ex)
json.dump({"zfs": out("zfs version"), "kernel": out("uname -r"), "streams": index, "notes": notes}, open(f"{OUT}/index.part.json", "w"), indent=1)
