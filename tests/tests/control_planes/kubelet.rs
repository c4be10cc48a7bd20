//! What kubectl and a kubelet do with resources: files from Secrets and ConfigMaps, variables in arguments.

use std::fs;
use std::path::Path;

use serde_json::Value;
use weir_tests::kubernetes::Cluster;

use super::namespace::Places;

/// A pod of a Deployment.
pub(crate) struct Pod<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) deployment: &'a Value,
    pub(crate) name: String,
}

impl Pod<'_> {
    fn container(&self, name: &str) -> &Value {
        let containers = self.deployment["spec"]["template"]["spec"]["containers"].as_array().unwrap();
        containers.iter().find(|container| container["name"] == name).unwrap()
    }

    fn namespace(&self) -> &str {
        self.deployment["metadata"]["namespace"].as_str().unwrap()
    }

    /// The arguments of a container, with the values of variables that the pod itself has.
    pub(crate) fn arguments(&self, container: &str) -> Vec<String> {
        let container = self.container(container);
        let variables: Vec<(String, String)> = container["env"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|variable| {
                let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
                    Some("metadata.name") => self.name.clone(),
                    Some("metadata.namespace") => self.namespace().to_owned(),
                    // A pod has no annotations that its Deployment has not, before it runs on a node.
                    Some(_) => String::new(),
                    None => variable["value"].as_str().unwrap().to_owned(),
                };
                (format!("$({})", variable["name"].as_str().unwrap()), value)
            })
            .collect();
        let arguments = container["args"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        let inserted = |text: &str| {
            variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name.as_str(), value))
        };
        arguments.map(inserted).collect()
    }

    /// The volumes of a container as folders below this one, and where it has them.
    pub(crate) fn volumes(&self, container: &str, folder: &Path) -> Places {
        let volumes = self.deployment["spec"]["template"]["spec"]["volumes"].as_array().unwrap();
        let mounts = self.container(container)["volumeMounts"].as_array().unwrap();
        mounts.iter().fold(Places::default(), |places, mount| {
            let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).unwrap();
            let at = folder.join(volume["name"].as_str().unwrap());
            if let Some(name) = volume["secret"]["secretName"].as_str() {
                write_secret(self.cluster, self.namespace(), name, &at);
            } else if let Some(name) = volume["configMap"]["name"].as_str() {
                write(&at, &self.cluster.get("configmap", self.namespace(), name)["data"]);
            } else {
                panic!("a volume of another kind: {volume}");
            }
            places.bind(&at, mount["mountPath"].as_str().unwrap())
        })
    }
}

/// Has the server take resources.
pub(crate) fn apply(cluster: &Cluster, resources: &[Value]) {
    let documents: Vec<String> = resources.iter().map(Value::to_string).collect();
    let output = cluster.run_with(&["apply", "--filename", "-"], &documents.join("\n---\n"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The entries of a Secret as files.
pub(crate) fn write_secret(cluster: &Cluster, namespace: &str, name: &str, folder: &Path) {
    let template = "go-template={{range $name, $value := .data}}{{$name}}\n{{$value | base64decode | printf \"%q\"}}\n{{end}}";
    let text = cluster.run(&["--namespace", namespace, "get", "secret", name, "--output", template]);
    let lines: Vec<&str> = text.lines().collect();
    let entries = lines.chunks_exact(2).map(|pair| {
        let value = serde_json::from_str(pair[1]).unwrap_or_else(|_| panic!("{}: not a text", pair[0]));
        (pair[0].to_owned(), value)
    });
    write(folder, &Value::Object(entries.collect()));
}

fn write(folder: &Path, entries: &Value) {
    fs::create_dir_all(folder).unwrap();
    for (name, text) in entries.as_object().unwrap() {
        fs::write(folder.join(name), text.as_str().unwrap()).unwrap();
    }
}
