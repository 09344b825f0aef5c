//! The encodings of the web client's files, and which of them a client prefers (RFC 9110, 12.5.3).

use http::{HeaderMap, header::ACCEPT_ENCODING};

/// An encoding in which the build writes files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// All encodings, the one with the smallest files first.
    pub(super) const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// Returns the name in `Accept-Encoding` and `Content-Encoding`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Returns what the build appends to the name of a file.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// Returns the accepted encoding with the highest weight; between equal weights, the one with the
    /// smaller files. `None` if the client accepts none of them.
    pub(super) fn preferred(headers: &HeaderMap) -> Option<Self> {
        let weighted = Self::ALL.map(|encoding| (weight(headers, encoding.name()), encoding));
        let (weight, encoding) =
            weighted.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        (weight > 0.0).then_some(encoding)
    }
}

/// Returns the weight of an encoding in `Accept-Encoding`: its own, that of `*`, or 0.
fn weight(headers: &HeaderMap, name: &str) -> f32 {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|it| it.to_str().ok());
    let mut wildcard = 0.0;
    for item in values.flat_map(|value| value.split(',')) {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight_of(parameters);
        match coding.trim() {
            coding if coding.eq_ignore_ascii_case(name) => return weight,
            "*" => wildcard = weight,
            _ => {}
        }
    }
    wildcard
}

/// Returns the weight that `q=…` sets, 1 without it, or 0 if it is not a number.
fn weight_of(parameters: &str) -> f32 {
    let Some((name, value)) = parameters.split_once('=') else { return 1.0 };
    if !name.trim().eq_ignore_ascii_case("q") {
        return 1.0;
    }
    value.trim().parse().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accepted: &[&str]) -> Option<Encoding> {
        let mut headers = HeaderMap::new();
        for value in accepted {
            headers.append(ACCEPT_ENCODING, value.parse().unwrap());
        }
        Encoding::preferred(&headers)
    }

    #[test]
    fn encoding_is_the_preferred_one_that_the_build_writes() {
        let cases: [(&[&str], Option<Encoding>); 14] = [
            (&[], None),
            (&[""], None),
            (&["identity"], None),
            (&["zstd, deflate"], None),
            (&["gzip, deflate, br, zstd"], Some(Encoding::Brotli)),
            (&["GZIP"], Some(Encoding::Gzip)),
            (&["gzip", "br"], Some(Encoding::Brotli)),
            (&["br;q=0.2, gzip;q=0.8"], Some(Encoding::Gzip)),
            (&["br ; q=0 , gzip"], Some(Encoding::Gzip)),
            (&["br;q=0, gzip;q=0"], None),
            (&["*"], Some(Encoding::Brotli)),
            (&["*;q=0.5, br;q=0"], Some(Encoding::Gzip)),
            (&["*;q=0, gzip;q=0.1"], Some(Encoding::Gzip)),
            (&["br;q=much"], None),
        ];
        for (accepted, expected) in cases {
            assert_eq!(preferred(accepted), expected, "{accepted:?}");
        }
    }
}
