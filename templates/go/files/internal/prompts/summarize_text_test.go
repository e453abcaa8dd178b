package prompts

import "testing"

func TestSummarizeText(t *testing.T) {
	const text = " {{x}} $(id)\n<b> "
	got := SummarizeText().Render(map[string]string{"text": text})
	if got != "Summarize the following text in three sentences or fewer.\n\n"+text {
		t.Errorf("%q", got)
	}
}
