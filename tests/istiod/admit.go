package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"

	"istio.io/istio/manifests"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// Where Istio's charts have their definitions.
const istioDefinitions = "charts/base/files/crd-all.gen.yaml"

// What an API server holds a resource to, by its apiVersion and kind.
type definition struct {
	schema     validation.SchemaValidator
	structural *structuralschema.Structural
	rules      *cel.Validator
}

// admit reads resources, one JSON object a line, and prints for each a JSON list of what the API server would
// refuse in strict mode, which is kubectl's: the steps of k8s.io/apiextensions-apiserver's handler and strategy.
func admit(files []string, in io.Reader, out io.Writer) error {
	definitions := map[string]definition{}
	text, err := fs.ReadFile(manifests.FS, istioDefinitions)
	if err == nil {
		err = define(text, definitions)
	}
	if err != nil {
		return fmt.Errorf("Istio's definitions: %w", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = define(text, definitions)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	native := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<24)
	answers := json.NewEncoder(out)
	for lines.Scan() {
		object := &unstructured.Unstructured{}
		// As the API server decodes: whole numbers stay whole.
		refused := []string{}
		if err := object.UnmarshalJSON(lines.Bytes()); err != nil {
			refused = append(refused, err.Error())
		} else {
			known, ok := definitions[object.GetAPIVersion()+" "+object.GetKind()]
			if ok {
				refused = known.refused(object)
			} else if scheme.Scheme.Recognizes(object.GroupVersionKind()) {
				if _, _, err := native.Decode(lines.Bytes(), nil, nil); err != nil {
					refused = append(refused, err.Error())
				}
			} else {
				refused = append(refused, "no such kind")
			}
		}
		if err := answers.Encode(refused); err != nil {
			return err
		}
	}
	return lines.Err()
}

// define adds the definitions of a file to those that are known.
func define(text []byte, definitions map[string]definition) error {
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		if err := defineOne(document, definitions); err != nil {
			return err
		}
	}
	return nil
}

func defineOne(text []byte, definitions map[string]definition) error {
	var external apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &external); err != nil {
		return err
	}
	var crd apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&external, &crd, nil); err != nil {
		return err
	}
	for _, version := range crd.Spec.Versions {
		schema := crd.Spec.Validation
		if version.Schema != nil {
			schema = version.Schema
		}
		if schema == nil {
			return fmt.Errorf("no schema in it")
		}
		validator, _, err := validation.NewSchemaValidator(schema.OpenAPIV3Schema)
		if err != nil {
			return err
		}
		structural, err := structuralschema.NewStructural(schema.OpenAPIV3Schema)
		if err != nil {
			return err
		}
		name := crd.Spec.Group + "/" + version.Name + " " + crd.Spec.Names.Kind
		definitions[name] = definition{validator, structural, cel.NewValidator(structural, true, celconfig.PerCallLimit)}
	}
	return nil
}

func (d definition) refused(object *unstructured.Unstructured) []string {
	refused := []string{}
	// The strategy drops it from what is created.
	unstructured.RemoveNestedField(object.Object, "status")
	meta, _, unknown, err := objectmeta.GetObjectMetaWithOptions(object.Object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return append(refused, err.Error())
	}
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	unknown = append(unknown, pruning.PruneWithOptions(object.Object, d.structural, true, options)...)
	for _, path := range unknown {
		refused = append(refused, "unknown field "+path)
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object.Object, d.structural)
	if meta != nil {
		if err := objectmeta.SetObjectMeta(object.Object, meta); err != nil {
			return append(refused, err.Error())
		}
	}
	defaulting.Default(object.Object, d.structural)
	// What the request says of the namespace.
	if object.GetNamespace() == "" {
		object.SetNamespace("default")
	}
	errors := apivalidation.ValidateObjectMetaAccessor(object, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errors = append(errors, validation.ValidateCustomResource(nil, object.Object, d.schema)...)
	errors = append(errors, listtype.ValidateListSetsAndMaps(nil, d.structural, object.Object)...)
	if d.rules != nil {
		broken, _ := d.rules.Validate(context.Background(), nil, d.structural, object.Object, nil, celconfig.RuntimeCELCostBudget)
		errors = append(errors, broken...)
	}
	for _, err := range errors {
		refused = append(refused, err.Error())
	}
	return refused
}
