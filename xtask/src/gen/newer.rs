//! `data/newer.json`: rows that go before those of the tables, because they are newer than what these were made from.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The object under a key of `newer.json`.
pub(super) fn rows<'a>(newer: &'a Value, key: &str) -> Result<&'a Map<String, Value>, String> {
    newer[key].as_object().ok_or_else(|| format!("newer.json has no {key}"))
}

/// Adds the features that `features.json` does not have.
pub(super) fn merge_features(features: &mut Value, newer: &Value) -> Result<(), String> {
    let table = features["rows"].as_object_mut().ok_or("features.json has no rows")?;
    for (name, row) in rows(newer, "features")? {
        if table.insert(name.clone(), row.clone()).is_some() {
            return Err(format!("features.json has {name} now: newer.json need not"));
        }
    }
    Ok(())
}

/// Puts rules before those of the same accessor and Exception level, or adds the accessor.
pub(super) fn merge_access(access: &mut Value, newer: &Value) -> Result<(), String> {
    let table = access["rows"].as_array_mut().ok_or("access.json has no rows")?;
    for row in newer["access"].as_array().ok_or("newer.json has no access")? {
        let first = row[2].as_array().ok_or("newer.json: an accessor without rules")?;
        match table.iter_mut().find(|r| r[0] == row[0] && r[1] == row[1]) {
            Some(known) => {
                let rules = known[2].as_array_mut().ok_or("access.json: an accessor without rules")?;
                rules.splice(0..0, first.iter().cloned());
            }
            None => table.push(row.clone()),
        }
    }
    Ok(())
}

/// Puts fields before those of every layout of a register, or gives a register the layouts of another.
pub(super) fn merge_fields(fields: &mut Value, newer: &Value) -> Result<(), String> {
    let table = fields["rows"].as_object_mut().ok_or("fields.json has no rows")?;
    let all = rows(newer, "fields")?;
    for (register, first) in all.iter().filter(|(_, v)| v.is_array()) {
        let first = first.as_array().into_iter().flatten();
        for layout in table.get_mut(register).and_then(Value::as_array_mut).into_iter().flatten() {
            let list = layout["fields"].as_array_mut().ok_or("fields.json: a layout without fields")?;
            list.splice(0..0, first.clone().cloned());
        }
    }
    for (register, like) in all.iter().filter_map(|(name, v)| Some((name, v["as"].as_str()?))) {
        let layouts = table.get(like).ok_or_else(|| format!("newer.json: no layout of {like}"))?.clone();
        table.insert(register.clone(), layouts);
    }
    Ok(())
}

/// The conditions that mean something else.
pub(super) fn atoms(newer: &Value) -> Result<BTreeMap<String, String>, String> {
    let text = |(atom, v): (&String, &Value)| {
        let meaning = v.as_str().ok_or_else(|| format!("newer.json: {atom} means no text"))?;
        Ok((atom.clone(), meaning.to_owned()))
    };
    rows(newer, "atoms")?.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_of_a_known_accessor_come_first_and_others_are_added() {
        let mut access = json!({ "rows": [["MRS A", 1, [["always", "undef"]]]] });
        let newer = json!({ "access": [["MRS A", 1, [["X=1", "nop"]]], ["MRS B", 1, [["always", "nop"]]]] });
        merge_access(&mut access, &newer).unwrap();
        let rows =
            json!([["MRS A", 1, [["X=1", "nop"], ["always", "undef"]]], ["MRS B", 1, [["always", "nop"]]]]);
        assert_eq!(access["rows"], rows);
    }

    #[test]
    fn fields_come_first_and_a_register_may_have_the_layouts_of_another() {
        let mut fields =
            json!({ "rows": { "A": [{ "when": null, "fields": [["OLD", 3, 0, null, null]] }] } });
        let newer = json!({ "fields": { "A": [["NEW", 1, 1, "F", null]], "B": { "as": "A" } } });
        merge_fields(&mut fields, &newer).unwrap();
        assert_eq!(fields["rows"]["A"][0]["fields"][0][0], "NEW");
        assert_eq!(fields["rows"]["A"], fields["rows"]["B"]);
    }

    #[test]
    fn feature_that_the_table_has_is_no_newer_one() {
        let mut features = json!({ "rows": { "FEAT_A": {} } });
        assert!(merge_features(&mut features, &json!({ "features": { "FEAT_A": {} } })).is_err());
    }
}
