"""What calls leave behind as audio, encrypted on the disk: the form of such a file, and its keys.

A file is a header and chunks, by the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015) with AES-256-GCM:

    header   8  `TELENC1` and a line feed
             8  which key it was encrypted with: `Key.id`
            32  salt, random
    chunk 4096  of what is encrypted, the last one fewer, and it may be empty
            16  the chunk's tag

Each file has a key of its own: HKDF-SHA256 (RFC 5869) of the configured key, with the file's salt. A chunk's nonce is
its number (11 bytes, big-endian, from 0) and one byte that says whether it is the last (`Place`), and the header is
authenticated with every chunk. So no chunk can be changed, moved, left out, or put into another file, and a file that
was cut short has no last chunk. The ciphers are those of the package `cryptography`; only the frame is here.

A process that was killed leaves whole chunks and perhaps a piece of one. That piece is cut off and an empty last chunk
put behind the others; it has a mark of its own, since the piece may have been one that was the last, and no nonce may
be used for two contents.
"""
