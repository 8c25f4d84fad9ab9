package openid

import "time"

// AskAgain lets a provider that failed be asked at once.
func (p *Provider) AskAgain() { p.askAt = time.Time{} }
