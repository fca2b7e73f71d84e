//! The resource table and the scope table, whole, so that Takt's readers need one small reference column.

use takt_trace::{AttrTable, Dict, KeyColumn, ResourceTable, ScopeTable, Sparse};

use crate::Error;
use crate::codec::{In, Out};

pub(crate) fn put_resources(table: &ResourceTable) -> Vec<u8> {
    let mut out = Out::default();
    put_dict(&mut out, &table.services);
    put_codes(&mut out, &table.service);
    put_attrs(&mut out, &table.attrs);
    put_sparse(&mut out, &table.dropped_attributes, put_u32);
    put_dict(&mut out, &table.schema_urls);
    put_sparse(&mut out, &table.schema_url, put_u32);
    out.0
}

pub(crate) fn take_resources(bytes: &[u8]) -> Result<ResourceTable, Error> {
    let mut input = In::new("resources", bytes);
    let services = take_dict(&mut input)?;
    let service = take_codes(&mut input, services.len())?;
    let rows = service.len();
    let attrs = take_attrs(&mut input, rows)?;
    let dropped_attributes = take_sparse(&mut input, rows, In::number32)?;
    let schema_urls = take_dict(&mut input)?;
    let schema_url = take_coded(&mut input, rows, &schema_urls)?;
    input.end()?;
    Ok(ResourceTable {
        service,
        services,
        attrs,
        dropped_attributes,
        schema_url,
        schema_urls,
    })
}

pub(crate) fn put_scopes(table: &ScopeTable) -> Vec<u8> {
    let mut out = Out::default();
    put_dict(&mut out, &table.names);
    put_codes(&mut out, &table.name);
    put_dict(&mut out, &table.versions);
    put_codes(&mut out, &table.version);
    put_attrs(&mut out, &table.attrs);
    put_sparse(&mut out, &table.dropped_attributes, put_u32);
    put_dict(&mut out, &table.schema_urls);
    put_sparse(&mut out, &table.schema_url, put_u32);
    out.0
}

pub(crate) fn take_scopes(bytes: &[u8]) -> Result<ScopeTable, Error> {
    let mut input = In::new("scopes", bytes);
    let names = take_dict(&mut input)?;
    let name = take_codes(&mut input, names.len())?;
    let versions = take_dict(&mut input)?;
    let version = take_codes(&mut input, versions.len())?;
    let rows = name.len();
    if version.len() != rows {
        return Err(input.damaged("names and versions differ in number"));
    }
    let attrs = take_attrs(&mut input, rows)?;
    let dropped_attributes = take_sparse(&mut input, rows, In::number32)?;
    let schema_urls = take_dict(&mut input)?;
    let schema_url = take_coded(&mut input, rows, &schema_urls)?;
    input.end()?;
    Ok(ScopeTable {
        name,
        names,
        version,
        versions,
        attrs,
        dropped_attributes,
        schema_url,
        schema_urls,
    })
}

pub(crate) fn put_dict(out: &mut Out, dict: &Dict) {
    out.size(dict.len());
    for entry in dict.iter() {
        out.bytes(entry);
    }
}

pub(crate) fn take_dict(input: &mut In<'_>) -> Result<Dict, Error> {
    let count = input.count(1)?;
    let mut dict = Dict::default();
    for code in 0..count {
        let entry = input.bytes()?;
        if dict.intern(entry) as usize != code {
            return Err(input.damaged("a dictionary entry comes twice"));
        }
    }
    Ok(dict)
}

fn put_codes(out: &mut Out, codes: &[u32]) {
    out.size(codes.len());
    for code in codes {
        out.number(u64::from(*code));
    }
}

fn take_codes(input: &mut In<'_>, bound: usize) -> Result<Vec<u32>, Error> {
    let count = input.count(1)?;
    input.codes(count, bound)
}

fn put_attrs(out: &mut Out, table: &AttrTable) {
    put_dict(out, &table.keys);
    for column in &table.columns {
        put_dict(out, &column.strings);
        put_sparse(out, &column.string, put_u32);
        put_sparse(out, &column.int, |out, value| out.signed(value));
        put_sparse(out, &column.float, |out, value| {
            out.raw(&value.to_le_bytes());
        });
        put_sparse(out, &column.bool, |out, value| out.byte(u8::from(value)));
        put_dict(out, &column.others);
        put_sparse(out, &column.other, put_u32);
    }
}

fn take_attrs(input: &mut In<'_>, rows: usize) -> Result<AttrTable, Error> {
    let keys = take_dict(input)?;
    let columns = (0..keys.len())
        .map(|_| take_column(input, rows))
        .collect::<Result<_, _>>()?;
    Ok(AttrTable { keys, columns })
}

fn take_column(input: &mut In<'_>, rows: usize) -> Result<KeyColumn, Error> {
    let strings = take_dict(input)?;
    let string = take_coded(input, rows, &strings)?;
    let int = take_sparse(input, rows, In::signed)?;
    let float = take_sparse(input, rows, |input| Ok(f64::from_le_bytes(input.array()?)))?;
    let bool = take_sparse(input, rows, |input| Ok(input.byte()? != 0))?;
    let others = take_dict(input)?;
    let other = take_coded(input, rows, &others)?;
    Ok(KeyColumn {
        string,
        strings,
        int,
        float,
        bool,
        other,
        others,
    })
}

fn put_u32(out: &mut Out, value: u32) {
    out.number(u64::from(value));
}

/// The gaps between rows, then the values.
fn put_sparse<T: Copy>(out: &mut Out, sparse: &Sparse<T>, put: impl Fn(&mut Out, T)) {
    out.size(sparse.len());
    let mut next = 0;
    for row in &sparse.rows {
        out.number(u64::from(row - next));
        next = row + 1;
    }
    for value in &sparse.values {
        put(out, *value);
    }
}

fn take_sparse<'a, T>(
    input: &mut In<'a>,
    rows: usize,
    take: impl Fn(&mut In<'a>) -> Result<T, Error>,
) -> Result<Sparse<T>, Error> {
    let count = input.count(2)?;
    let mut at = Vec::with_capacity(count);
    let mut next = 0_u32;
    for _ in 0..count {
        let row = next
            .checked_add(input.number32()?)
            .filter(|row| (*row as usize) < rows)
            .ok_or_else(|| input.damaged("a row is out of range"))?;
        at.push(row);
        next = row + 1;
    }
    let values = (0..count).map(|_| take(input)).collect::<Result<_, _>>()?;
    Ok(Sparse { rows: at, values })
}

fn take_coded(input: &mut In<'_>, rows: usize, dict: &Dict) -> Result<Sparse<u32>, Error> {
    let sparse = take_sparse(input, rows, In::number32)?;
    match sparse
        .values
        .iter()
        .all(|code| (*code as usize) < dict.len())
    {
        true => Ok(sparse),
        false => Err(input.damaged("a code is out of range")),
    }
}
