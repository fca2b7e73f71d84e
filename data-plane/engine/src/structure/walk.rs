//! Structural operators among spansets that have been split: each span walks up by itself, as the same
//! parent may be in the way of several spansets.

use takt_traceql::{Mode, Relation};

use super::{Siblings, Tree, inverse};
use crate::bitmap::Bitmap;
use crate::guard::Stopped;

pub(super) fn holding(
    tree: &Tree<'_, '_>,
    relation: Relation,
    mode: Mode,
    left: &Bitmap,
    right: &Bitmap,
) -> Result<Bitmap, Stopped> {
    let mut holding = one_side(tree, relation, left, right)?;
    if mode == Mode::Union {
        holding.or(&one_side(tree, inverse(relation), right, left)?);
    }
    Ok(holding)
}

fn one_side(
    tree: &Tree<'_, '_>,
    relation: Relation,
    left: &Bitmap,
    right: &Bitmap,
) -> Result<Bitmap, Stopped> {
    let mut holding = tree.search.none();
    let guard = &tree.search.guard;
    match relation {
        Relation::Child | Relation::Descendant => {
            guard.each(right.iter(), |row| {
                if above(tree, row, relation == Relation::Child).any(|above| left.has(above)) {
                    holding.insert(row);
                }
            })?;
        }
        Relation::Parent | Relation::Ancestor => {
            guard.each(left.iter(), |row| {
                above(tree, row, relation == Relation::Parent)
                    .filter(|above| right.has(*above))
                    .for_each(|above| holding.insert(above));
            })?;
        }
        Relation::Sibling => return siblings(tree, left, right),
    }
    Ok(holding)
}

/// The spans above `row` that are in its spanset: all, or only the next one.
fn above(tree: &Tree<'_, '_>, row: u32, only_next: bool) -> impl Iterator<Item = u32> {
    let set = tree.sets.set_of[row as usize];
    let most = if only_next { 1 } else { usize::MAX };
    std::iter::successors(tree.parent(row), move |row| tree.parent(*row))
        .take(most)
        .filter(move |above| tree.sets.rows.has(*above) && tree.sets.set_of[*above as usize] == set)
}

fn siblings(tree: &Tree<'_, '_>, left: &Bitmap, right: &Bitmap) -> Result<Bitmap, Stopped> {
    let guard = &tree.search.guard;
    let key = |row: u32| Some((tree.family(row)?, tree.sets.set_of[row as usize]));
    let mut families: Vec<(Siblings, u32)> = Vec::new();
    guard.each(left.iter(), |row| families.extend(key(row)))?;
    families.sort_unstable();
    guard.filter(right, |row| {
        let Some(key) = key(row) else { return false };
        let first = families.partition_point(|other| *other < key);
        let others = families[first..].iter().take_while(|other| **other == key);
        others.take(2).count() > usize::from(left.has(row))
    })
}
