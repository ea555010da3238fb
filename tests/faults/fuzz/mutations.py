"""Changes of a file: blind ones of its bytes, and ones that know its frame and keep the frame's checksums right.

A blind change of a zip or PNG file is nearly always stopped by a checksum, and never reaches what lies behind it.
"""

import io
import random
import struct
import zipfile
import zlib

INTERESTING = (0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1024, 4095, 32767, 65535)
TOKENS = (
    b"\x93NUMPY\x01\x00",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }",
    b"'|O'",
    b"'<c8'",
    b"'<u4'",
    b"'<M8[ns]'",
    b"'<U9'",
    b"True",
    b"(0,)",
    b"(99999999999,)",
    b"(-1,)",
    b"NaN",
    b"1e999",
    b"null",
    b"{}",
    b"[[[[[[[[",
    b'"',
    b"\n",
    b"\r",
    b",",
    b"\\ud800",
    b"xcoords.npy",
    b"_metadata.npy",
    b"../",
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"\x89HDF\r\n\x1a\n",
    b"TREE",
    b"HEAP",
    b"SNOD",
    b"\xff" * 8,
    b"\0" * 8,
)


def blind(data, rng):
    """Change some bytes: flips, numbers, tokens, pieces moved, doubled or cut out."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        place, kind = rng.randrange(len(data) + 1), rng.randrange(8)
        end = min(len(data), place + rng.choice((1, 2, 4, 8, 16, 64, 300)))
        if kind == 0 and place < len(data):
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1 and place < len(data):
            data[place] = rng.choice(INTERESTING) & 255
        elif kind == 2:
            number = rng.choice(INTERESTING) * rng.choice((1, -1, 1 << 16, 1 << 31))
            width, order = rng.choice((2, 4, 8)), rng.choice(("little", "big"))
            data[place : place + width] = (number % (1 << 8 * width)).to_bytes(width, order)
        elif kind == 3:
            token = rng.choice(TOKENS)
            data[place : place + rng.choice((0, len(token)))] = token
        elif kind == 4:
            del data[place:end]
        elif kind == 5:
            data[place:place] = data[place:end] * rng.choice((1, 2, 20))
        elif kind == 6:
            piece, target = bytes(data[place:end]), rng.randrange(len(data) + 1)
            data[target : target + len(piece)] = piece
        else:
            data[place:end] = rng.randbytes(end - place)
    return bytes(data)


def zipped(data, rng, inner=blind):
    """Change members of a zip file, or which there are, and write it anew with the right checksums."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [[info.filename, archive.read(info)] for info in archive.infolist()[:40]]
    for _ in range(rng.choice((1, 1, 2))):
        if not members:
            break
        chosen, kind = rng.randrange(len(members)), rng.randrange(12)
        if kind == 0:
            del members[chosen]
        elif kind == 1:
            members[chosen][1] = rng.choice(members)[1]
        elif kind == 2:
            members[chosen][0] = rng.choice(
                ("counts.npy", "diffraction.npy", "diff3d.npy", "_metadata.npy", "x", "a/b")
            )
        else:
            members[chosen][1] = inner(members[chosen][1], rng)
    buffer, seen = io.BytesIO(), set()
    with zipfile.ZipFile(buffer, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, content in members:
            if name not in seen:
                archive.writestr(name, content)
            seen.add(name)
    return buffer.getvalue()


def png(data, rng, inner=blind):
    """Change chunks of a PNG file and write them with the right checksums; the picture's data also unpacked."""
    chunks, place = [], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunks.append([data[place + 4 : place + 8], data[place + 8 : place + 8 + length]])
        place += 12 + length
    if not chunks:
        return inner(data, rng)
    chosen = rng.randrange(len(chunks))
    kind, value = chunks[chosen]
    if kind == b"IDAT" and rng.random() < 0.5:
        unpacked = zlib.decompressobj().decompress(value, 1 << 20)
        chunks[chosen][1] = zlib.compress(inner(unpacked, rng))
    elif rng.random() < 0.1:
        chunks.insert(chosen, list(rng.choice(chunks)))
    else:
        chunks[chosen][1] = inner(value, rng)
    parts = (
        struct.pack(">I", len(value)) + kind + value + struct.pack(">I", zlib.crc32(kind + value))
        for kind, value in chunks
    )
    return data[:8] + b"".join(parts)


def mutate(data, seed, inner=blind):
    """Return another file; what its frame is, is read off its first bytes."""
    rng = random.Random(seed)
    framed = {b"PK\3\4": zipped, b"\x89PNG": png}.get(data[:4])
    if framed and rng.random() < 0.8:
        try:
            return framed(data, rng, inner)
        except Exception:  # a frame that is broken already
            return inner(data, rng)
    return inner(data, rng)
