//! Numbers by place while spans are read: a plain array, or a hash table once that would be too large.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::partial::Mean;
use super::sum::Sum;

/// Places up to this many are an array (of 64 MiB, with eight bytes each).
const DENSE: u64 = 8 << 20;

/// A number that knows when nothing has gone into it.
pub(super) trait Number: Copy {
    const EMPTY: Self;
    fn is_empty(&self) -> bool;
}

/// A count.
impl Number for f64 {
    const EMPTY: Self = 0.0;
    fn is_empty(&self) -> bool {
        *self == 0.0
    }
}

/// The least or the greatest value.
#[derive(Clone, Copy)]
pub(super) struct Extreme(pub(super) f64);

impl Number for Extreme {
    const EMPTY: Self = Self(f64::NAN);
    fn is_empty(&self) -> bool {
        self.0.is_nan()
    }
}

impl Number for Mean {
    const EMPTY: Self = Self {
        sum: Sum {
            high: 0.0,
            low: 0.0,
        },
        weight: 0.0,
    };
    fn is_empty(&self) -> bool {
        self.weight == 0.0
    }
}

pub(super) struct Tally<T> {
    dense: Vec<T>,
    sparse: HashMap<u64, T, FixedState>,
}

impl<T: Number> Tally<T> {
    pub(super) fn new() -> Self {
        Self {
            dense: Vec::new(),
            sparse: HashMap::with_hasher(FixedState::with_seed(0x7461_6b74)),
        }
    }

    /// Makes room for places below `places`: an array, if there are not too many.
    pub(super) fn reserve(&mut self, places: u64) -> Option<&mut [T]> {
        if places <= DENSE && self.sparse.is_empty() {
            let places = usize::try_from(places).expect("a few million");
            if self.dense.len() < places {
                self.dense.resize(places, T::EMPTY);
            }
            return Some(&mut self.dense);
        }
        let used = (0..).zip(std::mem::take(&mut self.dense));
        self.sparse
            .extend(used.filter(|(_, number)| !number.is_empty()));
        None
    }

    /// One place, after [`Self::reserve`] said that it is no array.
    pub(super) fn place(&mut self, place: u64) -> &mut T {
        self.sparse.entry(place).or_insert(T::EMPTY)
    }

    /// Bytes held once there is room for places below `places`.
    pub(super) fn memory_with(&self, places: u64) -> usize {
        let array = match usize::try_from(places) {
            Ok(places) if places as u64 <= DENSE => places.max(self.dense.len()),
            _ => self.dense.len(),
        };
        array * size_of::<T>() + self.sparse.allocation_size()
    }

    /// The places that hold something, ascending.
    pub(super) fn used(self) -> Vec<(u64, T)> {
        let mut used: Vec<(u64, T)> = if self.sparse.is_empty() {
            let places = (0..).zip(self.dense);
            places.filter(|(_, number)| !number.is_empty()).collect()
        } else {
            self.sparse.into_iter().collect()
        };
        if !used.is_sorted_by_key(|(place, _)| *place) {
            used.sort_unstable_by_key(|(place, _)| *place);
        }
        used
    }
}
