//! Images that tests make, byte by byte.

/// The largest block of deflate that is stored as it is.
const BLOCK_BYTES: usize = 65_535;

/// Returns a PNG image of this size with a comment in its metadata.
pub fn png(width: u32, height: u32, comment: &str) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0); // no filter
        rows.extend((0..width).map(|x| (x ^ y).to_le_bytes()[0]));
    }
    let gray_with_8_bits = [8, 0, 0, 0, 0];
    let size = [&width.to_be_bytes()[..], &height.to_be_bytes(), &gray_with_8_bits].concat();
    let text = [b"Comment\0", comment.as_bytes()].concat();
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(*b"IHDR", &size),
        &chunk(*b"tEXt", &text),
        &chunk(*b"IDAT", &zlib(&rows)),
        &chunk(*b"IEND", &[]),
    ]
    .concat()
}

fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    let checked = [&kind[..], content].concat();
    [&length[..], &checked, &crc32(&checked).to_be_bytes()].concat()
}

/// Returns the bytes in blocks that are not compressed.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(BLOCK_BYTES).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(bytes).to_be_bytes());
    out
}

fn adler32(bytes: &[u8]) -> u32 {
    let (one, other) = bytes.iter().fold((1, 0), |(one, other), byte| {
        let one = (one + u32::from(*byte)) % 65_521;
        (one, (other + one) % 65_521)
    });
    other << 16 | one
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}
