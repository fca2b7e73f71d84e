//! What columns hold on the heap, counted and trimmed.

use crate::attrs::{AttrTable, KeyColumn, Sparse};
use crate::columns::{EventColumns, LinkColumns, ResourceTable, ScopeTable, SpanColumns};

/// Something that holds memory on the heap.
pub(crate) trait Held {
    /// Bytes held, whether in use or spare.
    fn held(&self) -> usize;
    /// Gives spare memory back.
    fn trim(&mut self);
}

impl<T: Copy> Held for Vec<T> {
    fn held(&self) -> usize {
        size_of::<T>() * self.capacity()
    }

    fn trim(&mut self) {
        self.shrink_to_fit();
    }
}

impl Held for Vec<KeyColumn> {
    fn held(&self) -> usize {
        size_of::<KeyColumn>() * self.capacity() + self.iter().map(Held::held).sum::<usize>()
    }

    fn trim(&mut self) {
        self.shrink_to_fit();
        self.iter_mut().for_each(Held::trim);
    }
}

impl<T: Copy> Held for Sparse<T> {
    fn held(&self) -> usize {
        self.rows.held() + self.values.held()
    }

    fn trim(&mut self) {
        self.rows.trim();
        self.values.trim();
    }
}

impl<T: Copy> Sparse<T> {
    /// Bytes held on the heap, in use or spare.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.held()
    }
}

/// A struct holds what its fields hold; one that is forgotten here does not compile.
macro_rules! of_fields {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl Held for $type {
            fn held(&self) -> usize {
                let Self { $($field),* } = self;
                0 $(+ $field.held())*
            }

            fn trim(&mut self) {
                let Self { $($field),* } = self;
                $($field.trim();)*
            }
        }

        impl $type {
            /// Bytes held on the heap, in use or spare.
            #[must_use]
            pub fn memory(&self) -> usize {
                self.held()
            }
        }
    };
}

impl Held for bool {
    fn held(&self) -> usize {
        0
    }

    fn trim(&mut self) {}
}

of_fields!(KeyColumn {
    string,
    strings,
    int,
    float,
    bool,
    other,
    others
});
of_fields!(AttrTable { keys, columns });
of_fields!(ResourceTable {
    service,
    services,
    attrs,
    dropped_attributes,
    schema_url,
    schema_urls
});
of_fields!(ScopeTable {
    name,
    names,
    version,
    versions,
    attrs,
    dropped_attributes,
    schema_url,
    schema_urls
});
of_fields!(EventColumns {
    span,
    time,
    name,
    names,
    attrs,
    dropped_attributes
});
of_fields!(LinkColumns {
    span,
    trace_id,
    span_id,
    trace_state,
    trace_states,
    flags,
    attrs,
    dropped_attributes
});
of_fields!(SpanColumns {
    traces,
    trace,
    previous,
    span_id,
    parent_id,
    parent,
    start,
    duration,
    name,
    names,
    kind,
    status,
    status_message,
    messages,
    trace_state,
    trace_states,
    flags,
    dropped_attributes,
    dropped_events,
    dropped_links,
    resource,
    scope,
    attrs,
    resources,
    scopes,
    events,
    links,
    clustered,
});

impl SpanColumns {
    /// Gives spare memory back: for columns that will not grow any more.
    pub fn shrink(&mut self) {
        self.trim();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueRef;

    #[test]
    fn every_column_is_counted_and_trimmed() {
        let mut columns = SpanColumns::default();
        assert_eq!(columns.memory(), 0);
        columns.events.time = Vec::with_capacity(100);
        columns.links.trace_states.intern(&[7; 1000]);
        columns.resources.dropped_attributes.push(0, 1);
        let before = columns.memory();
        assert!(before > 800 + 1000 + 8);
        columns
            .scopes
            .attrs
            .column_mut("k")
            .push(0, ValueRef::Int(1));
        assert!(columns.memory() > before + size_of::<KeyColumn>());

        let spare = columns.memory();
        columns.shrink();
        assert!(columns.memory() <= spare - 800);
        let code = columns.links.trace_states.find(&[7; 1000]);
        assert_eq!(code, Some(0), "what is held is found after trimming");
        columns.traces.find_or_insert(takt_model::TraceId([1; 16]));
        columns.shrink();
        assert_eq!(columns.traces.find(takt_model::TraceId([1; 16])), Some(0));
    }
}
