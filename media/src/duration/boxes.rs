//! The boxes of MPEG-4 (ISO 14496-12, section 4.2).

use crate::input::Input;

/// Iterates over boxes: their names and contents. Ends at the first one that is cut off.
#[derive(Debug, Clone)]
pub(super) struct Boxes<'a>(Input<'a>);

/// Returns the boxes in these bytes.
pub(super) const fn boxes(bytes: &[u8]) -> Boxes<'_> {
    Boxes(Input::new(bytes))
}

/// Returns the content of the first box with this name.
pub(super) fn find(bytes: &[u8], name: [u8; 4]) -> Option<&[u8]> {
    boxes(bytes).find(|(found, _)| *found == name).map(|(_, content)| content)
}

impl<'a> Iterator for Boxes<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let input = &mut self.0;
        let short = input.be32()?;
        let name = input.array()?;
        let content = match short {
            // Up to the end.
            0 => input.take(input.rest().len()),
            1 => {
                let long = input.be64()?;
                input.take_long(long.checked_sub(16)?)
            }
            _ => input.take_long(u64::from(short).checked_sub(8)?),
        };
        Some((name, content?))
    }
}
