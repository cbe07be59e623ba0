#!/usr/bin/env python3
"""A second reader of the known-answer vectors, written from docs/formats/{hash,row-digest,tree-page}.md alone.

    python3 tools/vectors/second_reader.py          compares; exit 1 and a line for each that differs
    python3 tools/vectors/second_reader.py --write  computes the answers and writes them into the files

The files hold questions and answers. The answers were written by this script; the TypeScript is held to them
by tests, so two readings of the same documents must agree on every byte. Python 3.8, standard library only.
"""
import hashlib
import json
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HASH_FILE = ROOT / "packages/core/testdata/hash-vectors.json"
TREE_FILE = ROOT / "packages/merkle/testdata/tree-vectors.json"

U32 = 0xFFFFFFFF
U64 = 0xFFFFFFFFFFFFFFFF


# docs/formats/hash.md ----------------------------------------------------------------------------------------

MULTIPLIERS = (0x239B961B, 0xAB0E9789, 0x38B34AE5, 0xA1E38B93)
BLOCK_ROTATIONS = (15, 16, 17, 18)
STATE_ROTATIONS = (19, 17, 15, 13)
STATE_ADDENDS = (0x561CCD1B, 0x0BCAA747, 0x96CD1C35, 0x32AC3B17)


def rotated(value, by):
    return ((value << by) | (value >> (32 - by))) & U32


def scrambled(word, lane):
    word = word * MULTIPLIERS[lane] & U32
    return rotated(word, BLOCK_ROTATIONS[lane]) * MULTIPLIERS[(lane + 1) % 4] & U32


def avalanche(value):
    value = (value ^ value >> 16) * 0x85EBCA6B & U32
    value = (value ^ value >> 13) * 0xC2B2AE35 & U32
    return value ^ value >> 16


def folded(state):
    state[0] = sum(state) & U32
    for lane in (1, 2, 3):
        state[lane] = (state[lane] + state[0]) & U32


def murmur(data, seed=0):
    """The four words of MurmurHash3 x86_128."""
    state = [seed] * 4
    whole = len(data) // 16 * 16
    for start in range(0, whole, 16):
        for lane, word in enumerate(struct.unpack_from("<4I", data, start)):
            value = rotated(state[lane] ^ scrambled(word, lane), STATE_ROTATIONS[lane])
            state[lane] = ((value + state[(lane + 1) % 4]) * 5 + STATE_ADDENDS[lane]) & U32
    rest = data[whole:]
    if rest:
        for lane, word in enumerate(struct.unpack("<4I", rest.ljust(16, b"\0"))):
            # A word of zeros scrambles to zero, so lanes without bytes stay as they are.
            state[lane] ^= scrambled(word, lane)
    state = [word ^ len(data) for word in state]
    folded(state)
    state = [avalanche(word) for word in state]
    folded(state)
    return state


def id_hash(identifier):
    return struct.pack(">4I", *murmur(identifier.encode("utf-8")))


def smhasher_verification():
    """SMHasher's figure for a hash: it covers all lengths from 0 to 255 and 256 seeds."""
    collected = b"".join(
        struct.pack("<4I", *murmur(bytes(range(length)), 256 - length)) for length in range(256)
    )
    return "%08x" % murmur(collected)[0]


def answer_hash(vector):
    if "smhasherVerification" in vector:
        return {"smhasherVerification": smhasher_verification()}
    text = vector["text"] * vector.get("times", 1)
    hashed = id_hash(text)
    bucket = struct.unpack_from(">H", hashed)[0]
    return {
        "hash": hashed.hex(),
        "bucket": bucket,
        "stripe": bucket >> 10,
        "membership": hashed[:8].hex(),
    }


# docs/formats/row-digest.md ----------------------------------------------------------------------------------


def short(data):
    return struct.pack(">B", len(data)) + data


def row_encoding(row):
    value = bytes.fromhex(row["valueHex"]) * row.get("times", 1)
    return b"".join(
        (
            b"\x01",
            short(bytes.fromhex(row["keyHex"])),
            short(row["state"].encode("utf-8")),
            short(row["contentType"].encode("utf-8")),
            short(row["id"].encode("utf-8")),
            struct.pack(">QI", row["time"], row["instance"]),
            struct.pack(">I", len(value)) + value,
        )
    )


def answer_row(row):
    encoding = row_encoding(row)
    return {
        "encodingHex": encoding.hex() if len(encoding) <= 400 else None,
        "encodedBytes": len(encoding),
        "digest": hashlib.sha256(encoding).digest()[:16].hex(),
    }


# docs/formats/tree-page.md -----------------------------------------------------------------------------------


def branch_of(identifier, prefixes):
    fitting = [prefix for prefix in prefixes if identifier.startswith(prefix)]
    return prefixes.index(max(fitting, key=lambda prefix: len(prefix.encode("utf-8"))))


def digest_as_numbers(digest):
    return (0, 0) if digest is None else struct.unpack(">QQ", bytes.fromhex(digest))


def change(entry):
    """(count, membership, content high, content low) that an entry adds, unbounded."""
    membership = struct.unpack_from(">Q", id_hash(entry["id"]))[0]
    step = (entry["digest"] is not None) - (entry["previousDigest"] is not None)
    new, old = digest_as_numbers(entry["digest"]), digest_as_numbers(entry["previousDigest"])
    return (step, step * membership, new[0] - old[0], new[1] - old[1])


def added_up(changes):
    return tuple(map(sum, zip((0, 0, 0, 0), *changes)))


def encoded_sums(sums):
    return struct.pack(">IQQQ", sums[0] & U32, sums[1] & U64, sums[2] & U64, sums[3] & U64)


def encoded_page(leaves):
    """`leaves`: encoded sums by index; leaves of zeros are left out."""
    filled = {index: sums for index, sums in leaves.items() if any(sums)}
    if not filled:
        return None
    bitmap = 0
    for index in filled:
        bitmap |= 1 << (255 - index)
    return b"\x01" + bitmap.to_bytes(32, "big") + b"".join(filled[index] for index in sorted(filled))


def entries_of(tree):
    for entry in tree["entries"]:
        if "repeat" not in entry:
            yield entry
            continue
        for number in range(entry["repeat"]):
            identifier = entry["idPrefix"] + str(number)
            digest = hashlib.sha256(identifier.encode("utf-8")).hexdigest()[:32]
            yield {"id": identifier, "previousDigest": None, "digest": digest}


def answer_tree(tree):
    prefixes = [""] + sorted(tree["branches"], key=lambda prefix: prefix.encode("utf-8"))
    by_leaf = {}
    for entry in entries_of(tree):
        place = (branch_of(entry["id"], prefixes), struct.unpack_from(">H", id_hash(entry["id"]))[0])
        by_leaf.setdefault(place, []).append(change(entry))
    leaves = {place: added_up(changes) for place, changes in by_leaf.items()}
    pages = {}
    for (branch, bucket), sums in leaves.items():
        pages.setdefault((branch, bucket >> 8), {})[bucket & 255] = encoded_sums(sums)
    encoded = {place: encoded_page(page) for place, page in sorted(pages.items())}
    encoded = {place: page for place, page in encoded.items() if page is not None}

    def root_of(sums):
        return hashlib.sha256(encoded_sums(sums)).hexdigest()

    total = added_up(leaves.values())
    answer = {
        "prefixes": prefixes,
        "sums": encoded_sums(total).hex(),
        "root": root_of(total),
        "branchRoots": [
            root_of(added_up([sums for (owner, _), sums in leaves.items() if owner == branch]))
            for branch in range(len(prefixes))
        ],
        "pageCount": len(encoded),
        "pagesSha256": hashlib.sha256(b"".join(encoded.values())).hexdigest(),
    }
    if len(encoded) <= 8:
        answer["pages"] = [
            {"branch": branch, "page": page, "hex": encoded[branch, page].hex()} for branch, page in encoded
        ]
    return answer


# -------------------------------------------------------------------------------------------------------------

SECTIONS = (
    (HASH_FILE, "hashes", answer_hash),
    (TREE_FILE, "rows", answer_row),
    (TREE_FILE, "trees", answer_tree),
)


def main(arguments):
    if arguments not in ([], ["--write"]):
        print(__doc__)
        return 2
    compared = differing = 0
    for file in (HASH_FILE, TREE_FILE):
        document = json.loads(file.read_text(encoding="utf-8"))
        for owner, section, answer in SECTIONS:
            if owner != file:
                continue
            for vector in document[section]:
                expected = answer(vector["question"])
                compared += 1
                if vector.get("answer") != expected:
                    differing += 1
                    print("%s, %s, %s: differs" % (file.name, section, vector["name"]))
                vector["answer"] = expected
        if arguments == ["--write"]:
            file.write_text(json.dumps(document, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")
    print("%d vectors compared, %d differ" % (compared, differing))
    return 1 if differing and arguments == [] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
