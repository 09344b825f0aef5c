//! Ordinary images.

use image::{
    Delay, DynamicImage, Frame, GenericImageView, ImageEncoder, ImageFormat, Rgba, RgbaImage,
    codecs::{gif::GifEncoder, jpeg::JpegEncoder, png::PngEncoder},
};
use media::{Kind, Limits, image};

use crate::samples::{
    encoded, exif, find, inserted, jpeg, pixels, png, png_chunk, riff_chunk, segment, webp,
    webp_frame, webp_header, webp_of, webp_pixels,
};

/// The beginning of a colour profile for RGB.
fn profile() -> Vec<u8> {
    let mut profile = vec![0; 200];
    profile[16..20].copy_from_slice(b"RGB ");
    profile[36..40].copy_from_slice(b"acsp");
    profile
}

#[test]
fn image_without_metadata_keeps_its_bytes() {
    for file in [png(), jpeg(), webp()] {
        let image = image(&file, &Limits::default()).unwrap();
        assert_eq!(image.content, file, "{:?}", image.kind);
        assert_eq!((image.width, image.height), (40, 30));
        assert!(image.thumbnails.is_empty());
    }
}

#[test]
fn thumbnails_fit_their_side_and_are_never_larger_than_the_image() {
    for (width, height, expected) in [
        (40, 30, &[][..]),
        (256, 256, &[]),
        (257, 100, &[(256, 100)]),
        (1_024, 512, &[(256, 128)]),
        (1_025, 1_025, &[(256, 256), (1_024, 1_024)]),
        (3_000, 2_000, &[(256, 171), (1_024, 683)]),
        (10, 2_000, &[(1, 256), (5, 1_024)]),
        (3_000, 1, &[(256, 1), (1_024, 1)]),
    ] {
        let file = encoded(pixels(width, height), ImageFormat::Png);
        let image = image(&file, &Limits::default()).unwrap();
        let sizes: Vec<_> = image.thumbnails.iter().map(|one| (one.width, one.height)).collect();
        assert_eq!(sizes, expected, "{width} x {height}");
        for thumbnail in &image.thumbnails {
            assert_eq!(thumbnail.kind, Kind::Jpeg);
            let decoded = image::load_from_memory(&thumbnail.content).unwrap();
            assert_eq!(decoded.dimensions(), (thumbnail.width, thumbnail.height));
            assert_eq!(thumbnail.width.max(thumbnail.height), thumbnail.side);
        }
    }
}

#[test]
fn thumbnail_of_a_transparent_image_is_transparent() {
    let clear =
        RgbaImage::from_fn(600, 600, |x, _| Rgba([200, 10, 10, if x < 300 { 0 } else { 255 }]));
    let opaque = RgbaImage::from_pixel(600, 600, Rgba([200, 10, 10, 255]));
    for (pixels, expected) in [(clear, Kind::Png), (opaque, Kind::Jpeg)] {
        let mut file = Vec::new();
        PngEncoder::new(&mut file)
            .write_image(&pixels, 600, 600, image::ExtendedColorType::Rgba8)
            .unwrap();
        let thumbnail = &image(&file, &Limits::default()).unwrap().thumbnails[0];
        assert_eq!(thumbnail.kind, expected);
        let decoded = image::load_from_memory(&thumbnail.content).unwrap().to_rgba8();
        assert_eq!(decoded.get_pixel(20, 100).0[3] == 0, expected == Kind::Png);
        assert_eq!(decoded.get_pixel(200, 100).0[3], 255);
    }
}

#[test]
fn images_of_every_depth_and_color_have_thumbnails() {
    let rgb = DynamicImage::from(pixels(300, 200));
    for pixels in [
        DynamicImage::from(rgb.to_luma8()),
        rgb.to_luma_alpha8().into(),
        rgb.to_rgba8().into(),
        rgb.to_luma16().into(),
        rgb.to_luma_alpha16().into(),
        rgb.to_rgb16().into(),
        rgb.to_rgba16().into(),
    ] {
        let color = pixels.color();
        let mut file = std::io::Cursor::new(Vec::new());
        pixels.write_to(&mut file, ImageFormat::Png).unwrap();
        let image = image(&file.into_inner(), &Limits::default()).unwrap();
        assert_eq!(image.thumbnails.len(), 1, "{color:?}");
        let decoded = image::load_from_memory(&image.thumbnails[0].content).unwrap();
        assert_eq!(decoded.color().has_color(), color.has_color(), "{color:?}");
    }
}

#[test]
fn color_profile_is_kept_in_the_image_and_its_thumbnails() {
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new(&mut jpeg);
    encoder.set_icc_profile(profile()).unwrap();
    DynamicImage::from(pixels(400, 300)).write_with_encoder(encoder).unwrap();
    let turned = inserted(jpeg.clone(), 2, &crate::samples::exif_segment(&exif(6)));
    for file in [jpeg, turned] {
        let image = image(&file, &Limits::default()).unwrap();
        for content in [&image.content, &image.thumbnails[0].content] {
            assert!(find(content, &profile()).is_some());
        }
    }
}

#[test]
fn profile_for_printing_is_not_repeated_for_other_colors() {
    let mut printing = profile();
    printing[16..20].copy_from_slice(b"CMYK");
    let body = [b"ICC_PROFILE\0\x01\x01", &printing[..]].concat();
    let file = inserted(encoded(pixels(400, 300), ImageFormat::Jpeg), 2, &segment(0xE2, &body));
    let image = image(&file, &Limits::default()).unwrap();
    assert_eq!(image.content, file);
    assert_eq!(find(&image.thumbnails[0].content, b"CMYK"), None);
}

#[test]
fn animated_gif_keeps_its_frames_and_repetitions() {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    encoder.set_repeat(image::codecs::gif::Repeat::Infinite).unwrap();
    for shade in [0, 128, 255] {
        let pixels = RgbaImage::from_pixel(300, 20, Rgba([shade, 0, 0, 255]));
        let delay = Delay::from_numer_denom_ms(100, 1);
        encoder.encode_frame(Frame::from_parts(pixels, 0, 0, delay)).unwrap();
    }
    drop(encoder);
    let image = image(&file, &Limits::default()).unwrap();
    assert_eq!(image.content, file);
    assert_eq!((image.kind, image.thumbnails.len()), (Kind::Gif, 1));
}

#[test]
fn animated_webp_keeps_its_frames_and_is_not_turned() {
    let frame = webp_frame(40, 30, &webp_pixels());
    let animation = [riff_chunk(*b"ANIM", &[0; 6]), frame.clone(), frame];
    let [loops, first, second] = animation;
    let kept = [webp_header(0x02, 40, 30), loops.clone(), first.clone(), second.clone()];
    let turned = riff_chunk(*b"EXIF", &exif(6));
    let uploaded = webp_of(&[webp_header(0x0A, 40, 30), loops, first, second, turned]);
    let image = image(&uploaded, &Limits::default()).unwrap();
    assert_eq!(image.content, webp_of(&kept));
    assert_eq!((image.width, image.height), (40, 30));
}

#[test]
fn animated_png_keeps_its_frames_and_is_not_turned() {
    let control = png_chunk(*b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]);
    let mut frame = vec![0; 26];
    frame[7] = 40;
    frame[11] = 30;
    frame[23] = 10;
    let animation = [control, png_chunk(*b"fcTL", &frame)].concat();
    let kept = inserted(png(), 33, &animation);
    let uploaded = inserted(kept.clone(), 33, &png_chunk(*b"eXIf", &exif(6)));
    let image = image(&uploaded, &Limits::default()).unwrap();
    assert_eq!(image.content, kept);
}

#[test]
fn gif_without_a_trailer_gets_one() {
    let file = crate::samples::gif();
    let cut = &file[..file.len() - 1];
    assert_eq!(image(cut, &Limits::default()).unwrap().content, file);
}

#[test]
fn blurhash_has_the_average_color_and_more_waves_along_the_longer_side() {
    let red = image::RgbImage::from_pixel(100, 50, image::Rgb([255, 0, 0]));
    let image_of = |pixels| image(&encoded(pixels, ImageFormat::Png), &Limits::default()).unwrap();
    let blurhash = image_of(red).blurhash;
    // 4 x 3 waves: "L". Then no contrast, the average color, and two letters for each other wave.
    assert_eq!(blurhash.len(), 28);
    assert!(blurhash.starts_with('L'), "{blurhash}");
    let alphabet =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
    let digits = blurhash[2..6].chars().map(|letter| alphabet.find(letter).unwrap());
    let average = u32::try_from(digits.fold(0, |sum, digit| sum * 83 + digit)).unwrap();
    let [_, red, green, blue] = average.to_be_bytes();
    assert!(red == 255 && green <= 1 && blue <= 1, "{average:x}");
    let tall = image_of(pixels(50, 100)).blurhash;
    assert!(tall.starts_with('T'), "{tall}");
}
