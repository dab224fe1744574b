"""Certificates for the tests of TLS, made by openssl(1): of the cluster's own CA, and wrong ones.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

# A BEAM verifies a host that is an address as if it were a DNS name.
NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:127.0.0.1,DNS:::1"
EXTENSIONS = f"""
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[node]
basicConstraints=CA:FALSE
subjectAltName={NAMES}
[elsewhere]
basicConstraints=CA:FALSE
subjectAltName=DNS:elsewhere.example
[openssl_ca]
default_ca=default
[default]
database=index.txt
new_certs_dir=.
serial=serial
default_md=sha256
policy=any
[any]
commonName=supplied
"""


def _openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def _ca(folder, name):
    _openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "30", "-subj",
             f"/CN={name}", "-config", "ext.cnf", "-extensions", "ca")


def _request(folder, name):
    _openssl(folder, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", "-config",
             "ext.cnf")


def _leaf(folder, name, ca="ca", section="node"):
    _request(folder, name)
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
             "-CAcreateserial", "-days", "30", "-extfile", "ext.cnf", "-extensions", section,
             "-out", f"{name}.pem")


def _expired(folder, name):
    _request(folder, name)
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("77\n")
    _openssl(folder, "ca", "-batch", "-config", "ext.cnf", "-name", "default", "-cert", "ca.pem",
             "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext",
             "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-extensions", "node")


def make(folder):
    """ca.pem; node, expired, elsewhere (another host's) and stranger (of other_ca.pem), each .pem and
    .key; locked.key is node.key under the password `secret`."""
    (folder / "ext.cnf").write_text(
        "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=unused\n" + EXTENSIONS)
    _ca(folder, "ca")
    _ca(folder, "other_ca")
    _leaf(folder, "node")
    _leaf(folder, "elsewhere", section="elsewhere")
    _leaf(folder, "stranger", ca="other_ca")
    _expired(folder, "expired")
    _openssl(folder, "ec", "-in", "node.key", "-aes256", "-passout", "pass:secret", "-out",
             "locked.key")
    for path in folder.glob("*.key"):
        path.chmod(0o600)


def certificates(into, build):
    """A folder in `into` with all of them; made once in ten days and kept in `build`."""
    kept = build / f"certificates-{int(time.time()) // (10 * 86400)}"
    if not kept.exists():
        build.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=build) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            make(made)
            try:
                os.rename(made, kept)
            except OSError:
                pass  # another test was faster
    return Path(shutil.copytree(kept, into / "certificates"))


def optfile(path, folder, certificate="node", ca="ca", versions=("1.2", "1.3"), verify=True,
            fail_if_no_peer_cert=True, extra=""):
    """Writes what -ssl_dist_optfile takes: both roles with this certificate and this CA."""
    shared = [f'{{cacertfile, "{folder}/{ca}.pem"}}',
              "{versions, [" + ", ".join(f"'tlsv{v}'" for v in versions) + "]}",
              f"{{verify, {'verify_peer' if verify else 'verify_none'}}}"]
    if certificate:
        shared += [f'{{certfile, "{folder}/{certificate}.pem"}}',
                   f'{{keyfile, "{folder}/{certificate}.key"}}']
    server = list(shared)
    if "1.2" in versions: # OTP refuses its own connections where an option is for no version in use
        server.append("{secure_renegotiate, true}")
    if verify:
        server.append(f"{{fail_if_no_peer_cert, {str(fail_if_no_peer_cert).lower()}}}")
    path.write_text("%% for the tests\n[{server, [" + ",\n  ".join(server) + extra + "]},\n {client, ["
                    + ",\n  ".join(shared) + extra + "]}].\n")
    return path
