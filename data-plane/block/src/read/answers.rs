//! What the index answers alone: keys, their values, and which row groups cannot have one.

use takt_trace::ValueRef;

use super::Opened;
use crate::Error;
use crate::index::Section;
use crate::index::catalogue::{Key, Scope};
use crate::index::values::{Counted, Intrinsic, Values, same};

impl Opened {
    /// The attribute keys of a scope with their types and counts.
    #[must_use]
    pub fn keys(&self, scope: Scope) -> &[Key] {
        self.catalogue.of(scope)
    }

    /// The distinct values of an attribute with counts, or nothing if there are too many for the index
    /// or some are arrays or the like. A key the block does not have has no values.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn values(&self, scope: Scope, key: &str) -> Result<Option<Vec<&Counted>>, Error> {
        let Some(at) = self.key(scope, key) else {
            return Ok(Some(Vec::new()));
        };
        let mut all = Vec::new();
        for held in self.all_values()?.attr(scope, at) {
            match held {
                Some(values) => all.extend(values),
                None => return Ok(None),
            }
        }
        Ok(Some(all))
    }

    /// The distinct values of a field every span (or event) has, or nothing if there are too many for the index.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn intrinsic(&self, intrinsic: Intrinsic) -> Result<Option<&[Counted]>, Error> {
        Ok(self.all_values()?.intrinsic(intrinsic))
    }

    /// Whether a row group may have a span (event, link) with this value. False is certain.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn group_may_have(
        &self,
        group: usize,
        scope: Scope,
        key: &str,
        value: ValueRef<'_>,
    ) -> Result<bool, Error> {
        let held = self.values(scope, key)?;
        let seen = |counted: &&Counted| {
            same(&counted.value, value) && counted.groups.get(group).is_some_and(|count| *count > 0)
        };
        Ok(held.is_none_or(|values| values.iter().any(seen)))
    }

    fn all_values(&self) -> Result<&Values, Error> {
        if let Some(values) = self.values.get() {
            return Ok(values);
        }
        let bytes = self.sealed.unpack(Section::Values)?;
        let values = Values::take(&bytes, &self.catalogue, self.groups.len())?;
        Ok(self.values.get_or_init(|| values))
    }

    fn key(&self, scope: Scope, name: &str) -> Option<usize> {
        let keys = self.catalogue.of(scope);
        keys.iter().position(|key| key.name == name)
    }
}
