//! Files that were made to do harm: each is refused, or is harmless when it is cleaned.

use media::{Kind, Limits, Refusal, image, memory_needed, sniff};

use crate::samples::{
    SECRET, compressed_zeros, exif, exif_segment, find, gif, half, inserted, jpeg, jpeg_of,
    jpeg_size_at, jpeg_with, patched, png, png_chunk, png_header, png_of, png_with, riff_chunk,
    segment, webp, webp_frame, webp_header, webp_of, webp_pixels, with_tail,
};

const ZIP: &[u8] = b"PK\x03\x04SECRET.zip";

/// What has to happen to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// It is only downloaded.
    NotAnImage,
    /// It is too large to decode.
    TooLarge,
    /// It is broken.
    Broken,
    /// It is an image of 40 x 30 pixels without anything else.
    Cleaned,
}

use Expected::{Broken, Cleaned, NotAnImage, TooLarge};

type Case = (&'static str, Vec<u8>, Expected);

fn pngs() -> Vec<Case> {
    let bomb = compressed_zeros();
    let profile = [b"p\0\0", &bomb[..]].concat();
    let text = [b"t\0\0", &bomb[..]].concat();
    let hidden = [b"k\0", SECRET].concat();
    vec![
        ("2.5 gigapixels", png_of(50_000, 50_000), TooLarge),
        ("one long row", png_of(16_385, 1), TooLarge),
        ("one long column", png_of(1, 16_385), TooLarge),
        ("51 megapixels", png_of(7_200, 7_100), TooLarge),
        ("more pixels than a number holds", png_of(u32::MAX, u32::MAX), TooLarge),
        ("no width", png_of(0, 30), Broken),
        ("no height", png_of(40, 0), Broken),
        ("more pixels than data", png_of(4_000, 3_000), Broken),
        ("a bomb in a text", png_with(&png_chunk(*b"zTXt", &text)), Cleaned),
        ("a bomb in a profile", png_with(&png_chunk(*b"iCCP", &profile)), Cleaned),
        ("a script in a text", png_with(&png_chunk(*b"tEXt", &hidden)), Cleaned),
        ("XMP", png_with(&png_chunk(*b"iTXt", &hidden)), Cleaned),
        ("EXIF with a place", png_with(&png_chunk(*b"eXIf", &exif(1))), Cleaned),
        ("an unknown chunk", png_with(&png_chunk(*b"prVt", SECRET)), Cleaned),
        ("a long gamma", png_with(&png_chunk(*b"gAMA", SECRET)), Cleaned),
        ("a larger second header", png_with(&png_header(16_000, 3_000)), Broken),
        ("a chunk beyond the end", png_with(&[0xFF, 0xFF, 0xFF, 0xFF, b'I', b'D']), Broken),
        ("no header", [&png()[..8], &png_chunk(*b"IDAT", b"")].concat(), Broken),
        ("only a signature", png()[..8].to_vec(), Broken),
        ("no pixels", [&png()[..33], &png_chunk(*b"IEND", b"")].concat(), Broken),
        ("cut off", half(png()), Broken),
        ("a ZIP after the end", with_tail(png(), ZIP), Cleaned),
        ("a page after the end", with_tail(png(), SECRET), Cleaned),
    ]
}

fn jpegs() -> Vec<Case> {
    let file = jpeg();
    let frame = jpeg_size_at(&file) - 5;
    let scan = find(&file, &[0xFF, 0xDA]).unwrap();
    let second = jpeg_of(8_000, 6_000)[frame..frame + 19].to_vec();
    let lines = segment(0xDC, &[0x40, 0]);
    let looped = [b"II*\0\x08\0\0\0\x01\0", &exif(1)[10..22], b"\x08\0\0\0"].concat();
    let many = [b"MM\0*\0\0\0\x08\xFF\xFF", &SECRET.repeat(20)[..]].concat();
    let kilometres = [b"MM\0*\xFF\xFF\xFF\xFF", SECRET].concat();
    let photo = [b"MPF\0", SECRET].concat();
    let small = [b"JFIF\0\x01\x02\0\0\x01\0\x01\x03\x03", &SECRET[..27]].concat();
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat();
    vec![
        ("65,535 x 65,535", jpeg_of(65_535, 65_535), TooLarge),
        ("51 megapixels", jpeg_of(7_200, 7_100), TooLarge),
        ("no height", jpeg_of(40, 0), Broken),
        ("no width", jpeg_of(0, 30), Broken),
        ("the height after the pixels", inserted(jpeg(), scan, &lines), Broken),
        ("a larger second frame", inserted(jpeg(), scan, &second), Broken),
        ("lossless coding", patched(jpeg(), frame + 1, &[0xC3]), Broken),
        ("a segment of no length", jpeg_with(&[0xFF, 0xE5, 0, 0]), Broken),
        ("no pixels", [&file[..scan], &[0xFF, 0xD9]].concat(), Broken),
        ("only a start", vec![0xFF, 0xD8, 0xFF], Broken),
        ("cut off", half(jpeg()), Broken),
        ("a page after the end", with_tail(jpeg(), SECRET), Cleaned),
        ("another image after the end", with_tail(jpeg(), &jpeg()), Cleaned),
        ("a page in a comment", jpeg_with(&segment(0xFE, SECRET)), Cleaned),
        ("EXIF with a place", jpeg_with(&exif_segment(&exif(1))), Cleaned),
        ("EXIF that points to itself", jpeg_with(&exif_segment(&looped)), Cleaned),
        ("EXIF with 65,535 entries", jpeg_with(&exif_segment(&many)), Cleaned),
        ("EXIF that points far away", jpeg_with(&exif_segment(&kilometres)), Cleaned),
        ("XMP", jpeg_with(&segment(0xE1, &xmp)), Cleaned),
        ("more pictures", jpeg_with(&segment(0xE2, &photo)), Cleaned),
        ("a thumbnail in JFIF", jpeg_with(&segment(0xE0, &small)), Cleaned),
        ("IPTC", jpeg_with(&segment(0xED, SECRET)), Cleaned),
    ]
}

fn gifs() -> Vec<Case> {
    let file = gif();
    let frame = find(&file, b"\x2C\0\0\0\0\x28\0\x1E\0").unwrap();
    let blocks = |bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).unwrap();
        [&[length], bytes, &[0]].concat()
    };
    let comment = [b"\x21\xFE", &blocks(SECRET)[..]].concat();
    let text = [b"\x21\x01", &blocks(SECRET)[..]].concat();
    let xmp = [b"\x21\xFF\x0BXMP DataXMP", &blocks(SECRET)[..]].concat();
    let long = [b"\x21\xF9", &blocks(SECRET)[..]].concat();
    vec![
        ("65,535 x 65,535", patched(gif(), 6, &[0xFF; 4]), TooLarge),
        ("a frame of 65,535 x 65,535", patched(gif(), frame + 5, &[0xFF; 4]), TooLarge),
        ("no width", patched(gif(), 6, &[0, 0]), Broken),
        ("a frame without height", patched(gif(), frame + 7, &[0, 0]), Broken),
        ("more pixels than data", patched(gif(), frame + 5, &[0, 8, 0, 8]), Broken),
        ("no frames", [&file[..frame], b"\x3B"].concat(), Broken),
        ("an unknown block", inserted(gif(), frame, b"\x2F"), Broken),
        ("cut off", half(gif()), Broken),
        ("a script in a comment", inserted(gif(), frame, &comment), Cleaned),
        ("a script in a text", inserted(gif(), frame, &text), Cleaned),
        ("a script in a control", inserted(gif(), frame, &long), Cleaned),
        ("XMP", inserted(gif(), frame, &xmp), Cleaned),
        ("a ZIP after the end", with_tail(gif(), ZIP), Cleaned),
        ("a script after the end", with_tail(gif(), b"*/=1;SECRET"), Cleaned),
    ]
}

fn webps() -> Vec<Case> {
    let (pixels, large) = (webp_pixels(), webp_header(0, 16_384, 3_000));
    let header = webp_header(0, 40, 30);
    let all_flags = webp_header(!0x22, 40, 30);
    let animation = webp_header(2, 40, 30);
    let huge = riff_chunk(*b"VP8L", &[0x2F, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0]);
    let exif = riff_chunk(*b"EXIF", &exif(1));
    let (xmp, unknown) = (riff_chunk(*b"XMP ", SECRET), riff_chunk(*b"prVt", SECRET));
    let frame = webp_frame(40, 30, &pixels);
    let hidden = webp_frame(40, 30, &[pixels.clone(), unknown.clone()].concat());
    let loops = riff_chunk(*b"ANIM", &[0; 6]);
    let other_frame = webp_frame(2_000, 2_000, &pixels);
    let second = [pixels.clone(), pixels.clone()].concat();
    vec![
        ("a canvas of 281 terapixels", webp_of(&[webp_header(0, 1 << 24, 1 << 24)]), TooLarge),
        ("268 megapixels", webp_of(std::slice::from_ref(&huge)), TooLarge),
        ("pixels larger than the canvas", webp_of(&[header.clone(), huge]), TooLarge),
        ("pixels smaller than the canvas", webp_of(&[large, pixels.clone()]), Broken),
        ("a frame larger than its pixels", webp_of(&[animation.clone(), other_frame]), Broken),
        ("two images", webp_of(&[header.clone(), second]), Broken),
        ("two headers", webp_of(&[header.clone(), header.clone()]), Broken),
        ("no pixels", webp_of(std::slice::from_ref(&header)), Broken),
        ("no header", webp_of(&[exif.clone(), pixels.clone()]), Broken),
        ("longer than the file", patched(webp(), 4, &[0xFF; 4]), Broken),
        ("cut off", half(webp()), Broken),
        ("EXIF with a place", webp_of(&[all_flags.clone(), pixels.clone(), exif]), Cleaned),
        ("XMP", webp_of(&[all_flags, pixels.clone(), xmp]), Cleaned),
        ("an unknown chunk", webp_of(&[header, pixels, unknown]), Cleaned),
        ("a script in a frame", webp_of(&[animation, loops, frame, hidden]), Cleaned),
        ("a ZIP after the end", with_tail(webp(), ZIP), Cleaned),
    ]
}

fn others() -> Vec<Case> {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>SECRET</script></svg>";
    let declared = [b"<?xml version='1.0'?>", &svg[..]].concat();
    let page = [b"<!DOCTYPE html>", SECRET].concat();
    vec![
        ("SVG with a script", svg.to_vec(), NotAnImage),
        ("SVG with a declaration", declared, NotAnImage),
        ("a page", page.clone(), NotAnImage),
        ("a page before a PNG", with_tail(page, &png()), NotAnImage),
        ("a ZIP before a JPEG", with_tail(ZIP.to_vec(), &jpeg()), NotAnImage),
        ("a PDF before a GIF", with_tail(b"%PDF-1.7 ".to_vec(), &gif()), NotAnImage),
        ("a program", b"MZ\x90\0SECRET".to_vec(), NotAnImage),
        ("TIFF", exif(1), NotAnImage),
        ("BMP", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0".to_vec(), NotAnImage),
        ("AVIF", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1".to_vec(), NotAnImage),
        ("sound that claims to be an image", b"RIFF\x24\0\0\0WAVEfmt ".to_vec(), NotAnImage),
        ("nothing", Vec::new(), NotAnImage),
    ]
}

fn outcome(file: &[u8]) -> Expected {
    match image(file, &Limits::default()) {
        Ok(_) => Cleaned,
        Err(Refusal::NotAnImage) => NotAnImage,
        Err(Refusal::TooManyPixels { .. } | Refusal::TooMuchMemory { .. }) => TooLarge,
        Err(Refusal::Malformed(_) | Refusal::Undecodable(_)) => Broken,
    }
}

/// Checks that an image has nothing but pixels, and that cleaning it again changes nothing.
fn check_clean(name: &str, file: &[u8]) {
    let image = image(file, &Limits::default()).unwrap();
    assert_eq!((image.width, image.height), (40, 30), "{name}");
    assert_eq!(sniff(&image.content), image.kind, "{name}");
    for hidden in [b"SECRET", b"script", b"PK\x03\x04", b"Exif", b"II*\0", b"XMP"] as [&[u8]; 6] {
        assert_eq!(find(&image.content, hidden), None, "{name}: {}", hidden.escape_ascii());
    }
    let again = media::image(&image.content, &Limits::default()).unwrap();
    assert_eq!(again, image, "{name}");
}

#[test]
fn hostile_files_are_refused_or_harmless_when_cleaned() {
    let families = [
        ("PNG", pngs()),
        ("JPEG", jpegs()),
        ("GIF", gifs()),
        ("WebP", webps()),
        ("other", others()),
    ];
    let mut count = 0;
    for (family, cases) in families {
        for (name, file, expected) in cases {
            let name = format!("{family}: {name}");
            assert_eq!(outcome(&file), expected, "{name}: {:?}", image(&file, &Limits::default()));
            if expected == Cleaned {
                check_clean(&name, &file);
            }
            if expected == NotAnImage {
                assert!(!sniff(&file).is_image(), "{name}");
            }
            count += 1;
        }
    }
    assert!(count >= 80, "{count}");
}

#[test]
fn image_that_needs_too_much_memory_is_refused_before_decoding() {
    let limits = Limits { memory_max: 25 << 20, ..Limits::default() };
    assert!(memory_needed(&png(), &limits).is_ok());
    let large = png_of(4_000, 3_000);
    let refused =
        Refusal::TooMuchMemory { needed: memory_needed(&large, &Limits::default()).unwrap() };
    assert_eq!(memory_needed(&large, &limits), Err(refused.clone()));
    assert_eq!(image(&large, &limits), Err(refused));
}

#[test]
fn every_prefix_of_an_image_is_refused_or_decoded() {
    for (kind, file) in
        [(Kind::Png, png()), (Kind::Jpeg, jpeg()), (Kind::Gif, gif()), (Kind::Webp, webp())]
    {
        assert_eq!(image(&file, &Limits::default()).unwrap().kind, kind);
        for end in 0..file.len() {
            let cut = image(&file[..end], &Limits::default());
            assert!(cut.is_err() || kind == Kind::Gif, "{kind:?} of {end} bytes");
        }
    }
}
