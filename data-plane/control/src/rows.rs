//! Things of any kind as they were told, for the components that know what is in them.

use bytes::Bytes;
use takt_wire::takt::admin::v1::{Resource, Subject};

use crate::Map;

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// A number, since a newer control plane may tell of kinds that are not known here.
    pub resource: i32,
    /// Empty when it is nobody's.
    pub tenant: String,
    pub name: String,
}

impl Key {
    #[must_use]
    pub fn new(resource: Resource, tenant: &str, name: &str) -> Self {
        Self {
            resource: resource.into(),
            tenant: tenant.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl From<Subject> for Key {
    fn from(subject: Subject) -> Self {
        Self {
            resource: subject.resource,
            tenant: subject.tenant,
            name: subject.name,
        }
    }
}

impl From<Key> for Subject {
    fn from(key: Key) -> Self {
        Self {
            resource: key.resource,
            tenant: key.tenant,
            name: key.name,
        }
    }
}

/// Encoded `takt.control.v1.NodeRow`s by what they are about. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows(pub(crate) Map<Key, Bytes>);

impl Rows {
    #[must_use]
    pub fn get(&self, resource: Resource, tenant: &str, name: &str) -> Option<&Bytes> {
        self.0.get(&Key::new(resource, tenant, name))
    }

    /// All of one kind, by tenant and name.
    pub fn of(&self, resource: Resource) -> impl Iterator<Item = (&Key, &Bytes)> {
        let from = Key::new(resource, "", "");
        let number = from.resource;
        self.0
            .range(from..)
            .take_while(move |(key, _)| key.resource == number)
    }

    /// All of a kind and tenant, whatever their names.
    pub(crate) fn forget(&mut self, of: &Key) {
        let from = Key {
            name: String::new(),
            ..of.clone()
        };
        let of = |key: &&Key| key.resource == of.resource && key.tenant == of.tenant;
        let found = self.0.range(from..).map(|(key, _)| key);
        let found: Vec<Key> = found.take_while(of).cloned().collect();
        for key in found {
            self.0.remove(&key);
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
