package declare

import (
	"context"
	"strings"
	"testing"
)

type nothing struct{}

func tool(name string) Tool {
	return Does(Tool{About: About{Name: name, Scope: "s:" + name}},
		func(context.Context, nothing) (nothing, error) { return nothing{}, nil })
}

func TestRegistriesThatMustNotBe(t *testing.T) {
	for want, registry := range map[string]Registry{
		"tool a is registered twice":     {Tools: []Tool{tool("a"), tool("a")}},
		"resource r is registered twice": {Resources: []Resource{{About: About{Name: "r"}}, {About: About{Name: "r"}}}},
		"prompt p is registered twice":   {Prompts: []Prompt{{About: About{Name: "p"}}, {About: About{Name: "p"}}}},
		"tool f has no function":         {Tools: []Tool{{About: About{Name: "f"}}}},
	} {
		if err := registry.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Error(err, want)
		}
	}
	if err := (Registry{Tools: []Tool{tool("a")}, Prompts: []Prompt{{About: About{Name: "a"}}}}).Check(); err != nil {
		t.Error(err)
	}
}

func TestOffered(t *testing.T) {
	write, missing := tool("write"), tool("missing")
	write.Writes, missing.Missing = true, true
	all := Registry{Tools: []Tool{tool("a"), write, missing, tool("b")}}
	for want, got := range map[string]Registry{
		"a b":       all.Offered(false, nil, nil),
		"a write b": all.Offered(true, nil, nil),
		"write":     all.Offered(true, []string{"a", "write"}, []string{"a"}),
		"":          all.Offered(false, []string{"write"}, nil),
	} {
		if names := strings.Join(got.ToolNames(), " "); names != want {
			t.Errorf("%q, want %q", names, want)
		}
	}
	if scopes := strings.Join(all.Scopes(), " "); scopes != "s:a s:b s:missing s:write" {
		t.Error(scopes)
	}
}

func TestADeprecatedContractSaysSo(t *testing.T) {
	old := tool("old")
	old.Description, old.Deprecated = "Old.", &Deprecation{Since: "1.1.0", ReplacedBy: "new", RemovedIn: "2.0.0"}
	contract := string(Registry{Tools: []Tool{old}}.Contracts()["tools/old.json"])
	for _, part := range []string{
		`"description": "Old. Deprecated since 1.1.0; use new; removed in 2.0.0."`, `"replacedBy": "new"`,
	} {
		if !strings.Contains(contract, part) {
			t.Error(contract)
		}
	}
}
