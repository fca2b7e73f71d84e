use takt_wire::takt::admin::v1::TenantState;

use super::*;
use crate::held::tests::{held, tenant, update};

fn filled(tenants: u64) -> Held {
    let mut held = held();
    let rows = (0..tenants).map(|number| tenant(&format!("t{number}"), TenantState::Active));
    held.apply(update(5, rows.collect())).unwrap();
    held
}

#[test]
fn what_was_saved_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(load(dir.path(), held()), Ok(Found::Nothing)));
    for tenants in [0, 3, 2500] {
        let saved = filled(tenants);
        save(dir.path(), &saved, UnixNano(7)).unwrap();
        let Found::View(loaded, confirmed_at) = load(dir.path(), held()).unwrap() else {
            panic!("it was saved");
        };
        assert_eq!(confirmed_at, UnixNano(7));
        assert_eq!(loaded.position(), saved.position());
        assert_eq!(loaded.view.rows, saved.view.rows);
    }
}

#[test]
fn damage_anywhere_is_noticed_and_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), &filled(5), UnixNano(7)).unwrap();
    let path = dir.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    let damaged = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let found = load(dir.path(), held()).unwrap();
        let aside =
            matches!(&found, Found::Damaged { aside, .. } if fs::read(aside).unwrap() == bytes);
        aside && !path.exists()
    };
    for at in 0..whole.len() {
        assert!(damaged(&whole[..at]), "cut at {at}");
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        assert!(damaged(&flipped), "flipped at {at}");
    }
    fs::write(&path, &whole).unwrap();
    assert!(matches!(load(dir.path(), held()), Ok(Found::View(..))));
}

#[test]
fn a_layout_of_the_future_is_not_guessed_at() {
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), &filled(1), UnixNano(7)).unwrap();
    let path = dir.path().join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    fs::write(&path, &bytes).unwrap();
    let found = load(dir.path(), held()).unwrap();
    let expected = matches!(
        found,
        Found::Damaged {
            why: Damage::Version(2),
            ..
        }
    );
    assert!(expected, "{found:?}");
}
