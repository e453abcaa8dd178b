package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// texts say what something is, and change nothing.
var texts = []string{"description", "sideEffects", "title"}

type change struct {
	place    string
	additive bool
}

// changesOf says what may not stay as it is: a short list of additive changes; everything else is breaking.
func changesOf(old, now map[string]any) []change {
	var found []change
	for _, key := range keysOf(old, now) {
		before, after := old[key], now[key]
		if key == "version" || reflect.DeepEqual(before, after) {
			continue
		}
		oldSchema, wasSchema := before.(map[string]any)
		newSchema, isSchema := after.(map[string]any)
		switch {
		case slices.Contains(texts, key) || key == "deprecated":
			found = append(found, change{key, true})
		case strings.HasSuffix(key, "Schema") && wasSchema && isSchema:
			found = append(found, schemaChanges(oldSchema, newSchema, key)...)
		default:
			same := reflect.DeepEqual(withoutTexts(before), withoutTexts(after))
			found = append(found, change{key, same})
		}
	}
	return found
}

func schemaChanges(old, now map[string]any, path string) []change {
	var found []change
	for _, key := range keysOf(old, now) {
		before, after := old[key], now[key]
		if key == "properties" || reflect.DeepEqual(before, after) {
			continue
		}
		oldItems, wasItems := before.(map[string]any)
		newItems, isItems := after.(map[string]any)
		switch {
		case key == "items" && wasItems && isItems:
			found = append(found, schemaChanges(oldItems, newItems, path+".items")...)
		case key == "required":
			grown := !slices.ContainsFunc(list(before), func(name any) bool { return !slices.Contains(list(after), name) })
			found = append(found, change{path + ".required", grown && strings.HasPrefix(path, "outputSchema")})
		default:
			found = append(found, change{path + "." + key, slices.Contains(texts, key)})
		}
	}
	known, properties := object(old["properties"]), object(now["properties"])
	for _, name := range keysOf(known, properties) {
		place := path + ".properties." + name
		before, was := known[name].(map[string]any)
		after, is := properties[name].(map[string]any)
		switch {
		case was && is:
			found = append(found, schemaChanges(before, after, place)...)
		default:
			found = append(found, change{place, is})
		}
	}
	return found
}

func object(value any) map[string]any { found, _ := value.(map[string]any); return found }

func list(value any) []any { found, _ := value.([]any); return found }

func keysOf(a, b map[string]any) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

func withoutTexts(value any) any {
	items := []any{}
	for _, item := range list(value) {
		kept := maps.Clone(object(item))
		maps.DeleteFunc(kept, func(key string, _ any) bool { return slices.Contains(texts, key) })
		items = append(items, kept)
	}
	if list(value) == nil {
		return value
	}
	return items
}

// verdict says what is wrong with the version of a changed contract.
func verdict(old, now map[string]any) string {
	var all, breaking []string
	for _, c := range changesOf(old, now) {
		all = append(all, c.place)
		if !c.additive {
			breaking = append(breaking, c.place)
		}
	}
	before, after := semver(old), semver(now)
	switch {
	case len(breaking) > 0 && after[0] <= before[0]:
		return fmt.Sprintf("%v: breaking without a higher major version: %s. Clients rely on what stood there: put it "+
			"back and deprecate it first, or give the contract version %d.0.0.",
			now["name"], strings.Join(breaking, ", "), before[0]+1)
	case len(all) > 0 && slices.Compare(after, before) <= 0:
		return fmt.Sprintf("%v: changed without a higher version: %s. Give the contract a version above %v.",
			now["name"], strings.Join(all, ", "), old["version"])
	default:
		return ""
	}
}

func semver(contract map[string]any) []int {
	numbers := []int{}
	for part := range strings.SplitSeq(fmt.Sprint(contract["version"]), ".") {
		number, err := strconv.Atoi(part)
		if err != nil {
			return []int{0}
		}
		numbers = append(numbers, number)
	}
	return numbers
}

const released = `{"name":"t","title":"T","version":"1.2.0","scope":"a","errors":[{"code":"x","description":"d"}],` +
	`"inputSchema":{"type":"object","required":["a"],"properties":{"a":{"type":"string"},` +
	`"l":{"type":"array","items":{"type":"integer"}}}},` +
	`"outputSchema":{"type":"object","required":["b"],"properties":{"b":{"type":"string"}}}}`

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct{ from, to, version, want string }{
		"nothing":             {"", "", "1.2.0", ""},
		"text":                {`"title":"T"`, `"title":"U"`, "1.2.1", ""},
		"text, same version":  {`"title":"T"`, `"title":"U"`, "1.2.0", "changed without a higher version: title"},
		"meaning of an error": {`"description":"d"`, `"description":"e"`, "1.2.1", ""},
		"new error":           {`"code":"x"`, `"code":"y"`, "1.3.0", "breaking"},
		"new optional input":  {`"a":{"type":"string"},`, `"a":{"type":"string"},"n":{"type":"string"},`, "1.3.0", ""},
		"input gone":          {`"a":{"type":"string"},`, ``, "1.3.0", "inputSchema.properties.a"},
		"input required":      {`"required":["a"]`, `"required":["a","l"]`, "1.3.0", "inputSchema.required"},
		"type":                {`"a":{"type":"string"}`, `"a":{"type":"integer"}`, "1.9.9", "inputSchema.properties.a.type"},
		"type, major":         {`"a":{"type":"string"}`, `"a":{"type":"integer"}`, "2.0.0", ""},
		"items":               {`"type":"integer"`, `"type":"number"`, "1.3.0", "inputSchema.properties.l.items.type"},
		"output required":     {`"required":["b"]`, `"required":["b","c"]`, "1.3.0", ""},
		"output not required": {`"required":["b"]`, `"required":[]`, "1.3.0", "outputSchema.required"},
		"scope":               {`"scope":"a"`, `"scope":"b"`, "1.3.0", "scope"},
	} {
		old := object(decoded(t, released))
		now := object(decoded(t, strings.Replace(released, c.from, c.to, 1)))
		now["version"] = c.version
		got := verdict(old, now)
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func decoded(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}
