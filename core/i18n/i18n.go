// Package i18n holds text in several languages. Japanese comes first; other
// languages are data.
package i18n

import "context"

// Default is the language that every text has.
const Default = "ja"

// Text is one text by language tag ("ja", "en"). It is stored as a JSON object.
type Text map[string]string

// JA is a text in Japanese alone.
func JA(s string) Text { return Text{Default: s} }

// In is the text in the language, else in Japanese, else in any language it has.
func (t Text) In(language string) string {
	if s, ok := t[language]; ok && s != "" {
		return s
	}
	if s, ok := t[Default]; ok {
		return s
	}
	if s, ok := t["en"]; ok {
		return s
	}
	for _, s := range t {
		return s
	}
	return ""
}

// OrNone is the text, or the empty one in place of nil.
func (t Text) OrNone() Text {
	if t == nil {
		return Text{}
	}
	return t
}

// For is the text in the language of the request.
func (t Text) For(ctx context.Context) string { return t.In(Language(ctx)) }

type languageKey struct{}

// WithLanguage puts the caller's language into the context.
func WithLanguage(ctx context.Context, language string) context.Context {
	return context.WithValue(ctx, languageKey{}, language)
}

// Language is the caller's language, Japanese unless said otherwise.
func Language(ctx context.Context) string {
	if l, ok := ctx.Value(languageKey{}).(string); ok && l != "" {
		return l
	}
	return Default
}
