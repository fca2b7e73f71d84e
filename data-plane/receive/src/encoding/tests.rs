use std::io::Write as _;

use takt_kit::Budget;

use super::*;

const LIMIT: usize = 1 << 20;

fn packings(plain: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let level = flate2::Compression::default();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
    gzip.write_all(plain).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
    zlib.write_all(plain).unwrap();
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), level);
    deflate.write_all(plain).unwrap();
    let mut framed = snap::write::FrameEncoder::new(Vec::new());
    framed.write_all(plain).unwrap();
    vec![
        ("gzip", gzip.finish().unwrap()),
        ("zlib", zlib.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
        ("zstd", zstd::encode_all(plain, 1).unwrap()),
        ("snappy", framed.into_inner().unwrap()),
        (
            "snappy",
            snap::raw::Encoder::new().compress_vec(plain).unwrap(),
        ),
    ]
}

fn unpack(name: &str, packed: Vec<u8>, limit: usize) -> Result<Bytes, Refusal> {
    let mut held = Budget::new(64 << 20).reserve(0).unwrap();
    Encoding::parse(name.as_bytes())?.unpack(packed.into(), limit, &mut held)
}

#[test]
fn every_encoding_gives_back_what_was_packed() {
    for size in [0, 1, FIRST_CHUNK - 1, FIRST_CHUNK, FIRST_CHUNK + 1, LIMIT] {
        let plain: Vec<u8> = (0..size)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect();
        for (name, packed) in packings(&plain) {
            let unpacked = unpack(name, packed, LIMIT).unwrap();
            assert!(unpacked == plain, "{name} of {size} bytes");
        }
    }
}

#[test]
fn a_bomb_is_refused_at_the_bound_and_holds_no_more_than_it() {
    let bomb = vec![0; 32 << 20];
    for (name, packed) in packings(&bomb) {
        let budget = Budget::new(64 << 20);
        let mut held = budget.reserve(0).unwrap();
        let refused = Encoding::parse(name.as_bytes())
            .unwrap()
            .unpack(packed.into(), LIMIT, &mut held)
            .unwrap_err();
        assert!(
            matches!(refused, Refusal::UnpackedTooLarge { limit: LIMIT }),
            "{name}: {refused}"
        );
        assert!(held.bytes() <= LIMIT + 1, "{name} held {}", held.bytes());
    }
}

#[test]
fn unpacking_stops_when_the_bytes_in_flight_are_used_up() {
    for (name, packed) in packings(&vec![0; 1 << 20]) {
        let mut held = Budget::new(100 << 10).reserve(0).unwrap();
        let refused = Encoding::parse(name.as_bytes())
            .unwrap()
            .unpack(packed.into(), LIMIT, &mut held)
            .unwrap_err();
        assert!(matches!(refused, Refusal::Busy), "{name}: {refused}");
    }
}

#[test]
fn a_zstd_frame_that_asks_for_a_huge_window_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&[7; 100]).unwrap();
    let refused = unpack("zstd", encoder.finish().unwrap(), LIMIT).unwrap_err();
    assert!(matches!(refused, Refusal::Corrupt { .. }), "{refused}");
}

#[test]
fn cut_and_random_bytes_are_corrupt_and_never_panic() {
    let plain: Vec<u8> = (0..5_000u32).flat_map(u32::to_le_bytes).collect();
    for (name, packed) in packings(&plain) {
        for length in (0..packed.len()).step_by(97) {
            if let Ok(unpacked) = unpack(name, packed[..length].to_vec(), LIMIT) {
                assert!(plain.starts_with(&unpacked), "{name} cut at {length}");
            }
        }
    }
    let noise: Vec<u8> = (0..4_096u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for name in ["gzip", "zlib", "deflate", "zstd", "snappy"] {
        assert!(unpack(name, noise.clone(), LIMIT).is_err(), "{name}");
    }
}

#[test]
fn other_encodings_are_named_in_the_refusal() {
    let refused = Encoding::parse(b"br").unwrap_err();
    assert!(refused.to_string().contains("`br`"), "{refused}");
    assert!(Encoding::parse(b"gzip, zstd").is_err());
    assert_eq!(Encoding::parse(b"GZIP").unwrap(), Encoding::Gzip);
}
