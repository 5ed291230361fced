"""What reading a damaged archive can raise. Found by overwriting bytes at random."""

import lzma
import struct
import tokenize
import zipfile
import zlib

BROKEN_ARCHIVE: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    RuntimeError,  # encrypted, or packed in a way that is not known
    EOFError,
    ValueError,
    LookupError,
    OSError,
)
BROKEN_ARRAY: tuple[type[Exception], ...] = (
    *BROKEN_ARCHIVE,
    TypeError,
    SyntaxError,  # the header of an .npy is a Python literal
    tokenize.TokenError,
    MemoryError,
    OverflowError,
)
