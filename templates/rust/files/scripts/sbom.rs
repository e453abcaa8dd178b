//! A `CycloneDX` bill of materials of what is shipped: the crates in the program, as Cargo resolves the lock for this
//! machine, with the checksums of the lock. The same lock gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::Outcome;

/// Writes the bill of materials to `file`.
pub fn write(file: &str) -> Outcome {
    let host = text_of("rustc", &["--version", "--verbose"])?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc tells no host")?;
    let metadata =
        text_of("cargo", &["metadata", "--locked", "--format-version=1", "--filter-platform", host])?;
    let bill = bill_of(&serde_json::from_str(&metadata)?, &checksums(&fs::read_to_string("Cargo.lock")?))?;
    fs::write(file, serde_json::to_string_pretty(&bill)? + "\n")?;
    Ok(())
}

fn text_of(program: &str, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().into())
    }
}

/// The SHA-256 of each locked crate, by `name version`.
fn checksums(lock: &str) -> BTreeMap<String, String> {
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""))?;
        Some(line.trim_end_matches('"').to_owned())
    };
    lock.split("[[package]]")
        .filter_map(|package| {
            let name = format!("{} {}", value(package, "name")?, value(package, "version")?);
            Some((name, value(package, "checksum")?))
        })
        .collect()
}

fn bill_of(metadata: &Value, checksums: &BTreeMap<String, String>) -> Outcome<Value> {
    let packages: BTreeMap<&str, &Value> =
        list(&metadata["packages"]).filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let root = metadata["resolve"]["root"].as_str().ok_or("cargo tells no package of the server's own")?;

    let (mut shipped, mut next) = (BTreeMap::new(), vec![root]);
    while let Some(id) = next.pop() {
        if !shipped.contains_key(id) {
            let below = depends_on(nodes[id]);
            next.extend(&below);
            shipped.insert(id, below);
        }
    }
    let component = |id: &str, kind: &str| {
        let package = packages[id];
        let (name, version) = (package["name"].as_str(), package["version"].as_str());
        let (name, version) = (name.unwrap_or_default(), version.unwrap_or_default());
        let purl = format!("pkg:cargo/{name}@{version}");
        let mut made =
            json!({ "type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl });
        if let Some(sum) = checksums.get(&format!("{name} {version}")) {
            made["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
        }
        if let Some(licence) = package["license"].as_str() {
            made["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
        }
        made
    };
    let reference = |id: &&str| component(id, "library")["purl"].clone();
    let dependencies: Vec<_> = shipped
        .iter()
        .map(|(id, below)| json!({ "ref": reference(id), "dependsOn": below.iter().map(reference).collect::<Vec<_>>() }))
        .collect();
    let libraries: Vec<_> =
        shipped.keys().filter(|id| **id != root).map(|id| component(id, "library")).collect();
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": component(root, "application") },
        "components": libraries,
        "dependencies": dependencies,
    }))
}

/// What a crate is built from; what only its tests need is not shipped.
fn depends_on(node: &Value) -> BTreeSet<&str> {
    list(&node["deps"])
        .filter(|dep| list(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null()))
        .filter_map(|dep| dep["pkg"].as_str())
        .collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_need_is_not_shipped() {
        let dep = |id: &str, kind: Value| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] });
        let package =
            |id: &str| json!({ "id": id, "name": id, "version": "1.0.0", "license": "MIT/Apache-2.0" });
        let metadata = json!({
            "packages": [package("app"), package("a"), package("b"), package("dev")],
            "resolve": {
                "root": "app",
                "nodes": [
                    { "id": "app", "deps": [dep("a", Value::Null), dep("dev", json!("dev"))] },
                    { "id": "a", "deps": [dep("b", Value::Null)] },
                    { "id": "b", "deps": [dep("a", json!("build"))] },
                    { "id": "dev", "deps": [] },
                ],
            },
        });
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"abc\"\n";
        let bill = bill_of(&metadata, &checksums(lock)).unwrap();
        let names: Vec<_> = list(&bill["components"]).map(|part| part["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(bill["components"][0]["hashes"][0]["content"], "abc");
        assert_eq!(bill["components"][1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        let of_app = json!({ "ref": "pkg:cargo/app@1.0.0", "dependsOn": ["pkg:cargo/a@1.0.0"] });
        assert!(list(&bill["dependencies"]).any(|each| *each == of_app), "{bill}");
    }
}
