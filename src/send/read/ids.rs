//! Ids from text.

/// An id of `N` bytes from hex of any length up to that; shorter ones are padded with zeros on the left.
///
/// Hand-written test data names spans `A` or `G1`. What is not hex becomes the FNV-1a hash of the
/// text, so that equal names stay equal ids. An absent id is empty.
pub(super) fn id<const N: usize>(text: &str) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    let number = u128::from_str_radix(text, 16)
        .ok()
        .filter(|_| text.len() <= N * 2 && !text.starts_with('+'))
        .unwrap_or_else(|| u128::from(fnv1a(text.as_bytes())));
    number.to_be_bytes()[16 - N..].to_vec()
}

pub(super) fn trace_id(text: &str) -> Vec<u8> {
    id::<16>(text)
}

pub(super) fn span_id(text: &str) -> Vec<u8> {
    id::<8>(text)
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_padded_on_the_left_and_names_are_hashed() {
        assert_eq!(span_id("0A"), [0, 0, 0, 0, 0, 0, 0, 10]);
        assert_eq!(trace_id("ef86c83c0a05a6d6").len(), 16);
        assert_eq!(trace_id("ef86c83c0a05a6d6")[..8], [0; 8]);
        assert_eq!(span_id("G").len(), 8);
        assert_ne!(span_id("G"), span_id("H"));
        assert!(span_id("").is_empty());
    }
}
