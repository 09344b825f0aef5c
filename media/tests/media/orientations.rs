//! Images that EXIF says to turn.

use image::{DynamicImage, GenericImageView, ImageFormat, Rgb, RgbImage};
use media::{Image, Kind, Limits, image};

use crate::samples::{
    encoded, exif, exif_segment, find, inserted, png_chunk, riff_chunk, webp_header, webp_of,
};

const SIDES: [u32; 2] = [320, 160];

/// Corners of the shown image: left or right, above or below.
type Corner = (bool, bool);
const TOP_LEFT: Corner = (false, false);
const TOP_RIGHT: Corner = (true, false);
const BOTTOM_LEFT: Corner = (false, true);
const BOTTOM_RIGHT: Corner = (true, true);

/// Where the stored top left and top right corners are shown, for the orientations from 1 to 8 (EXIF
/// 2.32, tag 0112).
const SHOWN: [(Corner, Corner); 8] = [
    (TOP_LEFT, TOP_RIGHT),
    (TOP_RIGHT, TOP_LEFT),
    (BOTTOM_RIGHT, BOTTOM_LEFT),
    (BOTTOM_LEFT, BOTTOM_RIGHT),
    (TOP_LEFT, BOTTOM_LEFT),
    (TOP_RIGHT, BOTTOM_RIGHT),
    (BOTTOM_RIGHT, TOP_RIGHT),
    (BOTTOM_LEFT, TOP_LEFT),
];

/// White pixels, red in the top left and blue in the top right.
fn marked() -> RgbImage {
    RgbImage::from_fn(SIDES[0], SIDES[1], |x, y| match (x, y) {
        (0..40, 0..40) => Rgb([255, 0, 0]),
        (280.., 0..40) => Rgb([0, 0, 255]),
        _ => Rgb([255, 255, 255]),
    })
}

fn corner(pixels: &DynamicImage, (is_right, is_below): Corner) -> [u8; 3] {
    let (width, height) = pixels.dimensions();
    let x = if is_right { width - 4 } else { 3 };
    let y = if is_below { height - 4 } else { 3 };
    pixels.to_rgb8().get_pixel(x, y).0
}

fn is_near(pixel: [u8; 3], expected: [u8; 3]) -> bool {
    pixel.iter().zip(expected).all(|(one, other)| one.abs_diff(other) < 40)
}

fn check_corners(name: &str, file: &[u8], orientation: u16) {
    let pixels = image::load_from_memory(file).unwrap();
    let (red, blue) = SHOWN[usize::from(orientation) - 1];
    assert!(is_near(corner(&pixels, red), [255, 0, 0]), "{name} {orientation}: red");
    assert!(is_near(corner(&pixels, blue), [0, 0, 255]), "{name} {orientation}: blue");
}

fn check(name: &str, file: &[u8], orientation: u16) -> Image {
    let image = image(file, &Limits::default()).unwrap();
    let [width, height] = SIDES;
    let expected = if orientation > 4 { (height, width) } else { (width, height) };
    assert_eq!((image.width, image.height), expected, "{name} {orientation}");
    check_corners(name, &image.content, orientation);
    assert_eq!(find(&image.content, b"SECRET"), None, "{name} {orientation}");
    assert_eq!(image.thumbnails.len(), 1);
    let thumbnail = &image.thumbnails[0];
    assert_eq!(thumbnail.width > thumbnail.height, image.width > image.height);
    check_corners(name, &thumbnail.content, orientation);
    image
}

#[test]
fn jpeg_is_shown_upright_for_every_orientation() {
    let file = encoded(marked(), ImageFormat::Jpeg);
    for orientation in 1..=8 {
        let turned = inserted(file.clone(), 2, &exif_segment(&exif(orientation)));
        let image = check("JPEG", &turned, orientation);
        assert_eq!(image.kind, Kind::Jpeg);
        if orientation == 1 {
            assert_eq!(image.content, file);
        }
    }
}

#[test]
fn png_is_shown_upright_without_loss_for_every_orientation() {
    let file = encoded(marked(), ImageFormat::Png);
    for orientation in 1..=8 {
        let turned = inserted(file.clone(), 33, &png_chunk(*b"eXIf", &exif(orientation)));
        let image = check("PNG", &turned, orientation);
        assert_eq!(image.kind, Kind::Png);
        let pixels = image::load_from_memory(&image.content).unwrap().to_rgb8();
        let red = pixels.pixels().filter(|pixel| pixel.0 == [255, 0, 0]).count();
        assert_eq!(red, 40 * 40);
    }
}

#[test]
fn webp_is_shown_upright_for_every_orientation() {
    let pixels = encoded(marked(), ImageFormat::WebP)[12..].to_vec();
    let header = webp_header(0x08, SIDES[0], SIDES[1]);
    for orientation in 1..=8 {
        let exif = riff_chunk(*b"EXIF", &exif(orientation));
        let file = webp_of(&[header.clone(), pixels.clone(), exif]);
        let image = check("WebP", &file, orientation);
        assert_eq!(image.kind, if orientation == 1 { Kind::Webp } else { Kind::Jpeg });
    }
}

#[test]
fn image_stays_as_it_is_when_its_orientation_does_not_exist() {
    let file = encoded(marked(), ImageFormat::Jpeg);
    for orientation in [0, 9, 255, u16::MAX] {
        let image = [inserted(file.clone(), 2, &exif_segment(&exif(orientation)))]
            .map(|file| image(&file, &Limits::default()).unwrap());
        assert_eq!(image[0].content, file, "{orientation}");
    }
}
