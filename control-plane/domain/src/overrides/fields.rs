//! A few names with a value each, in as little memory as that takes.

use std::collections::BTreeMap;

/// Canonical text by dotted name, in the order of the names.
///
/// A million tenants have such a list each and most set a handful, for which a node of a `BTreeMap` is mostly empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(Box<[(Box<str>, Box<str>)]>);

impl Fields {
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.find(name).ok()?;
        Some(&self.0[at].1)
    }

    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a map, for those who take one.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let pairs = self.iter();
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    pub(super) fn insert(&mut self, name: &str, value: &str) {
        match self.find(name) {
            Ok(at) => self.0[at].1 = value.into(),
            Err(at) => self.change(|fields| fields.insert(at, (name.into(), value.into()))),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Ok(at) = self.find(name) {
            self.change(|fields| drop(fields.remove(at)));
        }
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<(Box<str>, Box<str>)>)) {
        let mut fields = std::mem::take(&mut self.0).into_vec();
        fields.reserve_exact(1);
        change(&mut fields);
        self.0 = fields.into_boxed_slice();
    }
}

impl From<BTreeMap<String, String>> for Fields {
    fn from(map: BTreeMap<String, String>) -> Self {
        let pairs = map.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_are_what_a_map_would_be(
            steps in prop::collection::vec(("[a-d]{1,2}", prop::option::of("[x-z]")), 0..40),
        ) {
            let (mut fields, mut map) = (Fields::default(), BTreeMap::new());
            for (name, value) in steps {
                if let Some(value) = value {
                    fields.insert(&name, &value);
                    map.insert(name, value);
                } else {
                    fields.remove(&name);
                    map.remove(&name);
                }
                prop_assert_eq!(fields.to_map(), map.clone());
                prop_assert_eq!(fields.len(), map.len());
                prop_assert_eq!(&fields, &Fields::from(map.clone()));
                for name in ["a", "b", "cd"] {
                    prop_assert_eq!(fields.get(name), map.get(name).map(String::as_str));
                }
            }
        }
    }
}
