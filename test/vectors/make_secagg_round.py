"""Makes secagg_round.json: a round of five sites under plans of format 2 (shares of 96 bytes, commitments to the parts of
the group secret, tags in the header), in which one site drops out before it shares its keys and one after.

Independent of the TypeScript: PyNaCl for Ed25519, X25519 and secretbox, `cryptography` for AES-256-CTR, hashlib and whole
numbers for everything else. Nothing is random: every secret is SHA-256 of a label. Written from the specification of the
protocol in protos/README.md.

    pip install pynacl cryptography
    python3 test/vectors/make_secagg_round.py > test/vectors/secagg_round.json
"""

import hashlib
import hmac
import json
import math
import struct
from fractions import Fraction

import nacl.bindings
import nacl.signing
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def det(label, length=32):
    out = b""
    while len(out) < length:
        out += hashlib.sha256(f"toy round of format 2/{label}/{len(out)}".encode()).digest()
    return out[:length]


def sha256(data):
    return hashlib.sha256(data).digest()


def H(label, *parts):
    name = f"fedsum/v1/{label}".encode()
    data = len(name).to_bytes(2, "big") + name
    for part in parts:
        data += len(part).to_bytes(4, "big") + part
    return sha256(data)


def u16(number):
    return number.to_bytes(2, "big")


def signed(seed, kind, *parts):
    message = f"fedsum/v1/sig/{kind}".encode() + b"\0" + H(kind, *parts)
    return nacl.signing.SigningKey(seed).sign(message).signature


def hkdf(secret, salt, info, length=32):
    prk = hmac.new(salt, secret, hashlib.sha256).digest()
    out, block = b"", b""
    for i in range(1, 2 + length // 32):
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        out += block
    return out[:length]


def keystream(key, words):
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return struct.unpack(f"<{words}I", encryptor.update(bytes(4 * words)))


# GF(2^8) with 0x11B, by carry-less multiplication and reduction.
def gf(a, b):
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << (bit - 8)
    return product


def share_at(x, secret, coefficients):
    out = []
    for i in range(len(secret)):
        value, power = secret[i], 1
        for coefficient in coefficients:
            power = gf(power, x)
            value ^= gf(coefficient[i], power)
        out.append(value)
    return bytes(out)


ids = [f"hospital-{letter}" for letter in "abcde"]
index = {name: i + 1 for i, name in enumerate(ids)}
n, c, t = 5, 0, 3
U1, U2, U3 = ids, ids[:4], ids[:3]
model = b"global model bytes, round 7"
model_hash = sha256(model)
plan_hash = H("plan", b'{"format":2,"toy":true}', model_hash)

sites = {}
for name in ids:
    seed, c_sk, s_sk = det(f"{name}/identity"), det(f"{name}/channel"), det(f"{name}/mask")
    c_pk, s_pk = (nacl.bindings.crypto_scalarmult_base(secret) for secret in (c_sk, s_sk))
    nonce = det(f"{name}/nonce", 16)
    epoch, number, before = 1 + index[name] % 2, 2**33 + index[name], det(f"{name}/ledger")
    counters = epoch.to_bytes(4, "big") + number.to_bytes(8, "big")
    head = H("session-ledger", before, counters, plan_hash)
    body = u16(index[name]) + c_pk + s_pk + nonce + model_hash + counters + head
    parts = (plan_hash, name.encode(), body)
    sites[name] = dict(
        index=index[name], ed25519_seed=seed, ed25519_pub=bytes(nacl.signing.SigningKey(seed).verify_key),
        c_sk=c_sk, c_pk=c_pk, s_sk=s_sk, s_pk=s_pk, b=det(f"{name}/self seed"), g=det(f"{name}/group part"),
        nonce=nonce, ledger_epoch=epoch, ledger_number=number, ledger_before=before, ledger_head=head,
        advertise_hash=H("advertise", *parts), advertise_sig=signed(seed, "advertise", *parts), body=body,
    )

roster_hash = H("roster", *[u16(index[name]) + name.encode() + sites[name]["ed25519_pub"] for name in ids])
sid = H("session", plan_hash, roster_hash, *[sites[name]["body"] + sites[name]["advertise_sig"] for name in U1])


def agreed(which, one, other):
    return nacl.bindings.crypto_scalarmult(sites[one][f"{which}_sk"], sites[other][f"{which}_pk"])


def pair_seed(one, other):
    low, high = sorted((index[one], index[other]))
    return hkdf(agreed("s", one, other), sid, b"fedsum/v1/pair" + u16(low) + u16(high))


def channel_key(sender, receiver):
    info = b"fedsum/v1/share" + u16(index[sender]) + u16(index[receiver])
    return hkdf(agreed("c", sender, receiver), sid, info)


sharekeys, shares = {}, {}
for name in U2:
    site = sites[name]
    secret = site["s_sk"] + site["b"]
    coefficients = [det(f"{name}/coefficient {degree}", 64) for degree in range(1, t)]
    self_commit = H("self-commit", sid, u16(index[name]), site["b"])
    group_commit = H("group-commit", sid, u16(index[name]), site["g"])
    ciphertext, commit, rows, draws = {}, {}, [], [coefficient.hex() for coefficient in coefficients]
    for to in U1:
        share = share_at(index[to], secret, coefficients)
        shares[name, to] = share
        ends = (sid, u16(index[name]), u16(index[to]))
        commit[to] = (H("com-s", *ends, share[:32]), H("com-b", *ends, share[32:]))
        sealed = b""
        if to != name:
            nonce = det(f"{name}/nonce to {to}", 24)
            draws.append(nonce.hex())
            key = channel_key(name, to)
            sealed = nonce + nacl.bindings.crypto_secretbox(share + site["g"], nonce, key)
            ciphertext[to] = sealed.hex()
        rows.append(u16(index[to]) + commit[to][0] + commit[to][1] + sealed)
    parts = (sid, u16(index[name]), self_commit, group_commit, *rows)
    sharekeys[name] = dict(
        draws=draws, self_commit=self_commit.hex(), group_commit=group_commit.hex(), ciphertext=ciphertext,
        commit={to: [one.hex() for one in pair] for to, pair in commit.items()},
        hash=H("sharekeys", *parts).hex(), sig=signed(site["ed25519_seed"], "sharekeys", *parts).hex(),
    )

u2_hash = H("u2", sid, *[u16(index[name]) + bytes.fromhex(sharekeys[name]["hash"]) for name in U2])
group = H("group", *[sites[name]["g"] for name in U2])
tag_key = hmac.new(group, b"fedsum/v1/tag\0" + sid, hashlib.sha256).digest()
primes = [2**24 - 3, 2**24 - 3, 2**24 - 17, 2**24 - 17]

d, W, W_max, C = 40, {"hospital-a": 900, "hospital-b": 350, "hospital-c": 512, "hospital-d": 1000}, 1024, 1.0
levels = (2**31 - 1) // n
S = levels / C
lengths = {"hdr": 16, "update": d}


def centred(word):
    return word - 2**32 if word >= 2**31 else word


def tags_of(hdr, update):
    """<r_k, v> mod p_k over header words 4 to 11 (only the loss, 7 to 10, is centred) and then the update, centred."""
    v = [centred(word) if 7 <= at <= 10 else word for at, word in enumerate(hdr)][4:12] + [centred(word) for word in update]
    stream = keystream(tag_key, 4 * len(v))
    return [sum(stream[4 * i + k] % p * value for i, value in enumerate(v)) % p for k, p in enumerate(primes)]


def loss_words(loss):
    """Four digits of 23 bits of loss * 2^36, least significant first, the lower three in two's complement of 23 bits."""
    rest, words = round(Fraction(loss) * 2**36), []
    for digit in range(4):
        word = rest if digit == 3 else (rest + 2**22) % 2**23 - 2**22
        words.append(word % 2**32)
        rest = (rest - word) >> 23
    return words


inputs = {}
for name in U2:
    raw = [int.from_bytes(det(f"{name}/x {i}", 4), "big") / 2**32 - 0.5 for i in range(d)]
    x = [struct.unpack("<f", struct.pack("<f", value))[0] for value in raw]
    norm = math.sqrt(math.fsum(value * value for value in x))
    scale, omega = (C / norm if norm > C else 1.0), W[name] / W_max
    q = [math.trunc(max(-C, min(C, value * scale)) * omega * S) for value in x]
    loss = 0.75 + index[name] / 8
    hdr = [1, 1, 1, 1, W[name], 0 if norm > C else 1, 0, *loss_words(loss * W[name]), 1, 0, 0, 0, 0]
    update = [value % 2**32 for value in q]
    tags = tags_of(hdr, update)
    hdr[12:] = tags
    inputs[name] = dict(x=x, scale=scale, omega=omega, q=q, loss=loss, hdr=hdr, update=update, tags=tags)


def mask_key(seed, kind, vector):
    return hmac.new(seed, f"fedsum/v1/{kind}/{vector}\0".encode() + u2_hash, hashlib.sha256).digest()


masked, first16, roots, input_sigs = {}, {}, {}, {}
for name in U2:
    masked[name] = {}
    for vector, length in lengths.items():
        key = mask_key(sites[name]["b"], "self", vector)
        streams = [(1, keystream(key, length))]
        first16[f"self|{name}|{vector}"] = struct.pack("<4I", *keystream(key, 4)).hex()
        for peer in U2:
            if peer != name:
                sign = 1 if index[name] < index[peer] else -1
                streams.append((sign, keystream(mask_key(pair_seed(name, peer), "pair", vector), length)))
        plain = inputs[name][vector]
        masked[name][vector] = [(plain[i] + sum(sign * words[i] for sign, words in streams)) % 2**32 for i in range(length)]
    hashed = [f"{vector}\0".encode() + sha256(struct.pack(f"<{len(words)}I", *words)) for vector, words in masked[name].items()]
    roots[name] = H("upload", sid, u16(index[name]), *hashed)
    input_sigs[name] = signed(sites[name]["ed25519_seed"], "input", sid, u2_hash, u16(index[name]), roots[name])

u3_hash = H("u3", sid, u2_hash, *[u16(index[name]) + roots[name] for name in U3])
audit_head = det("audit head")
unmask = {
    name: {of: (["b", shares[of, name][32:].hex()] if of in U3 else ["s", shares[of, name][:32].hex()]) for of in U2}
    for name in U3
}
total = {v: [sum(inputs[name][v][i] for name in U3) % 2**32 for i in range(lengths[v])] for v in lengths}
sum_tags = [total["hdr"][12 + k] % p for k, p in enumerate(primes)]
assert sum_tags == tags_of(total["hdr"], total["update"]), "tags do not add up"
weights = sum(W[name] for name in U3)
exact = [
    float(sum(Fraction(inputs[name]["x"][i]) * Fraction(inputs[name]["scale"]) * W[name] for name in U3) / weights)
    for i in range(d)
]


def plain(value):
    return value.hex() if isinstance(value, bytes) else value


print(json.dumps(dict(
    source="test/vectors/make_secagg_round.py, an independent implementation in Python",
    what="Five sites, t = 3. hospital-e drops out before it shares its keys, hospital-d after.",
    n=n, t=t, ids=ids, U1=U1, U2=U2, U3=U3, model=model.hex(), modelHash=model_hash.hex(), planHash=plan_hash.hex(),
    rosterHash=roster_hash.hex(), sid=sid.hex(), U2hash=u2_hash.hex(), U3hash=u3_hash.hex(), auditHead=audit_head.hex(),
    sites={name: {key: plain(value) for key, value in site.items() if key != "body"} for name, site in sites.items()},
    sharekeys=sharekeys, group=group.hex(), tag_key=tag_key.hex(),
    pair_seed={f"{one}|{other}": pair_seed(one, other).hex() for i, one in enumerate(U2) for other in U2[i + 1:]},
    mask_first16=first16, quantise=dict(W=W, Wmax=W_max, nmax=n, S=S), input=inputs, masked=masked,
    upload_root={name: root.hex() for name, root in roots.items()},
    input_sig={name: sig.hex() for name, sig in input_sigs.items()},
    confirm_sig={name: signed(sites[name]["ed25519_seed"], "confirm", u3_hash, audit_head).hex() for name in U3},
    unmask=unmask, sum=total, sum_tags=sum_tags, sum_centred=[centred(word) for word in total["update"]],
    weighted_mean=[centred(word) / S * W_max / weights for word in total["update"]], exact_weighted_mean=exact,
), indent=1))
