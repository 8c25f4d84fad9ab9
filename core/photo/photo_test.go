package photo_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/photo"
)

// picture is red on the left and blue on the right.
func picture(wide, high int) image.Image {
	drawn := image.NewRGBA(image.Rect(0, 0, wide, high))
	for y := range high {
		for x := range wide {
			c := color.RGBA{R: 230, A: 255}
			if x >= wide/2 {
				c = color.RGBA{B: 230, A: 255}
			}
			drawn.SetRGBA(x, y, c)
		}
	}
	return drawn
}

func asJPEG(t testing.TB, wide, high int) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, picture(wide, high), nil))
	return out.Bytes()
}

func asPNG(t testing.TB, wide, high int) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, picture(wide, high)))
	return out.Bytes()
}

// taken is the JPEG with Exif that says how the camera was held, and where.
func taken(raw []byte, held uint16, order binary.AppendByteOrder) []byte {
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 1)
	tiff = order.AppendUint16(tiff, 0x0112)
	tiff = order.AppendUint16(tiff, 3)
	tiff = order.AppendUint32(tiff, 1)
	tiff = order.AppendUint16(tiff, held)
	tiff = append(tiff, 0, 0)
	tiff = append(tiff, "GPS 35.6762N 139.6503E"...)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	all := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(segment)+2)) //nolint:gosec // short
	return append(append(all, segment...), raw[2:]...)
}

func read(t testing.TB, raw []byte) *photo.Photo {
	t.Helper()
	got, err := photo.NewReader().Read(t.Context(), bytes.NewReader(raw))
	require.NoError(t, err)
	return got
}

func TestPicturesOfEachKindBecomeJPEG(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{"jpeg": asJPEG(t, 64, 48), "png": asPNG(t, 64, 48), "webp": asWebP(24, 20)} {
		got := read(t, raw)
		drawn, kind, err := image.Decode(bytes.NewReader(got.Content))
		require.NoError(t, err, name)
		require.Equal(t, "jpeg", kind, name)
		require.Equal(t, image.Pt(got.Width, got.Height), drawn.Bounds().Size(), name)
	}
}

func TestNothingButThePictureIsKept(t *testing.T) {
	t.Parallel()
	raw := taken(asJPEG(t, 64, 48), 1, binary.LittleEndian)
	raw = append(raw, "<script>alert(1)</script>"...)
	require.Contains(t, string(raw), "35.6762N")
	got := read(t, raw)
	for _, secret := range []string{"Exif", "GPS", "35.6762N", "<script>"} {
		require.NotContains(t, string(got.Content), secret)
	}
	require.Equal(t, got.Hash, read(t, asJPEG(t, 64, 48)).Hash, "the same picture is the same file")
}

func TestPicturesStandUpright(t *testing.T) {
	t.Parallel()
	red := func(p *photo.Photo, x, y int) bool {
		drawn, err := jpeg.Decode(bytes.NewReader(p.Content))
		require.NoError(t, err)
		r, _, b, _ := drawn.At(x, y).RGBA()
		return r > b
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		// Where the red half lies: left, right, above or below.
		for held, want := range map[uint16]struct {
			side bool
			x, y int
		}{1: {false, 4, 24}, 2: {false, 60, 24}, 3: {false, 60, 24}, 4: {false, 4, 24}, 5: {true, 24, 4}, 6: {true, 24, 4}, 7: {true, 24, 60}, 8: {true, 24, 60}, 9: {false, 4, 24}} {
			got := read(t, taken(asJPEG(t, 64, 48), held, order))
			size := image.Pt(64, 48)
			if want.side {
				size = image.Pt(48, 64)
			}
			require.Equal(t, size, image.Pt(got.Width, got.Height), held)
			require.True(t, red(got, want.x, want.y), "%d", held)
			require.False(t, red(got, size.X-1-want.x, size.Y-1-want.y), "%d", held)
		}
	}
}

func TestLargePicturesShrink(t *testing.T) {
	t.Parallel()
	got := read(t, asPNG(t, 4096, 1024))
	require.Equal(t, []int{2048, 512}, []int{got.Width, got.Height})
}

// bomb is a PNG of a few bytes that says it is enormous.
func bomb() []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), 19_999)
	header = append(binary.BigEndian.AppendUint32(header, 19_999), 8, 2, 0, 0, 0)
	all := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	return binary.BigEndian.AppendUint32(all, crc32.ChecksumIEEE(header))
}

func TestBadFilesAreRefused(t *testing.T) {
	t.Parallel()
	var moving bytes.Buffer
	require.NoError(t, gif.Encode(&moving, picture(32, 32), nil))
	whole := asJPEG(t, 640, 480)
	for name, bad := range map[string]struct {
		raw  []byte
		want error
	}{
		"empty":               {nil, photo.ErrEmpty},
		"text":                {[]byte("こんにちは"), photo.ErrKind},
		"HTML":                {[]byte("<html><script>alert(1)</script></html>"), photo.ErrKind},
		"SVG":                 {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), photo.ErrKind},
		"PDF":                 {[]byte("%PDF-1.7\n"), photo.ErrKind},
		"GIF":                 {moving.Bytes(), photo.ErrKind},
		"too large":           {append(whole, make([]byte, photo.MaxSize)...), photo.ErrTooLarge},
		"broken off":          {whole[:len(whole)/2], photo.ErrUnreadable},
		"first bytes only":    {[]byte("\xff\xd8\xff\xe0"), photo.ErrUnreadable},
		"WebP without inside": {[]byte("RIFF\x04\x00\x00\x00WEBPVP8 "), photo.ErrUnreadable},
		"enormous":            {bomb(), photo.ErrPixels},
		"a dot":               {asPNG(t, 1, 1), photo.ErrPixels},
	} {
		_, err := photo.NewReader().Read(t.Context(), bytes.NewReader(bad.raw))
		require.ErrorIs(t, err, bad.want, name)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(taken(asJPEG(f, 32, 32), 6, binary.BigEndian))
	f.Add(asPNG(f, 32, 32))
	f.Add(asWebP(32, 32))
	f.Add(bomb())
	f.Add([]byte(strings.Repeat("\xff\xd8\xff\xe1\x00\x02", 3)))
	reader := photo.NewReader()
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := reader.Read(t.Context(), bytes.NewReader(raw))
		if err == nil && (got.Width > 2048 || got.Height > 2048) {
			t.Fatal(got.Width, got.Height)
		}
	})
}

// asWebP is a red picture without loss: five codes of one symbol each, and so no bits for
// its pixels.
func asWebP(wide, high int) []byte {
	var bits []byte
	write := func(value, n int) {
		for i := range n {
			bits = append(bits, byte(value>>i&1))
		}
	}
	write(wide-1, 14)
	write(high-1, 14)
	write(0, 1+3)                                       // no alpha, version
	write(0, 3)                                         // no transform, no cache, one group
	for _, symbol := range []int{30, 200, 30, 255, 0} { // green, red, blue, alpha, distance
		write(1, 1)
		write(0, 1)
		write(1, 1)
		write(symbol, 8)
	}
	body := []byte{0x2f}
	for len(bits)%8 != 0 {
		bits = append(bits, 0)
	}
	for i := 0; i < len(bits); i += 8 {
		var b byte
		for k := range 8 {
			b |= bits[i+k] << k
		}
		body = append(body, b)
	}
	size := len(body)
	if size%2 == 1 {
		body = append(body, 0)
	}
	all := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(12+len(body)))    //nolint:gosec // short
	all = binary.LittleEndian.AppendUint32(append(all, "WEBPVP8L"...), uint32(size)) //nolint:gosec // short
	return append(all, body...)
}
