package resources

import (
	"context"
	"testing"
)

func TestServerSettings(t *testing.T) {
	resource := ServerSettings(func(context.Context) map[string]any { return map[string]any{"name": "x"} })
	value, err := resource.Read(t.Context(), "")
	if described, ok := value.(map[string]any); err != nil || !ok || described["name"] != "x" {
		t.Error(value, err)
	}
	if _, ok := resource.Match("config://server-settings"); !ok || resource.Template() {
		t.Error("it has one address")
	}
}
