// Package qr draws square codes (QRコード), for those who show and print them.
package qr

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// Code is a text that a camera reads.
type Code struct{ Text string }

const (
	quiet = 4 // modules of white around it, as ISO/IEC 18004 asks
	dot   = 8 // pixels of a module in PNG
)

// Modules is the code without its white frame; true is black.
func (c Code) Modules() ([][]bool, error) {
	drawn, err := qr.Encode(c.Text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("draw a square code: %w", err)
	}
	side := drawn.Bounds().Dx()
	rows := make([][]bool, side)
	for y := range rows {
		rows[y] = make([]bool, side)
		for x := range rows[y] {
			grey, _, _, _ := drawn.At(x, y).RGBA()
			rows[y][x] = grey == 0
		}
	}
	return rows, nil
}

// SVG is the code as an SVG document.
func (c Code) SVG() (string, error) {
	rows, err := c.Modules()
	if err != nil {
		return "", err
	}
	side := len(rows) + 2*quiet
	var path strings.Builder
	for y, row := range rows {
		for x, black := range row {
			if black {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		side, side, side, side, path.String()), nil
}

// PNG is the code as a PNG image, in base64.
func (c Code) PNG() (string, error) {
	rows, err := c.Modules()
	if err != nil {
		return "", err
	}
	side := (len(rows) + 2*quiet) * dot
	drawn := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			r, c := y/dot-quiet, x/dot-quiet
			if r >= 0 && c >= 0 && r < len(rows) && c < len(rows) && rows[r][c] {
				drawn.SetColorIndex(x, y, 1)
			}
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, drawn); err != nil {
		return "", fmt.Errorf("write a square code: %w", err)
	}
	return base64.StdEncoding.EncodeToString(file.Bytes()), nil
}
