package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/joho/godotenv"
)

// Environment is where settings come from that no flag gives: the variables of the process, then the .env file of the working
// folder, then the files that hold secrets, which variables name by NAME_FILE. All of it ends as variables of the process, where
// everything that reads settings finds it. An empty variable of a setting counts as unset: an .env file copied from an example
// is full of them.
type Environment struct {
	own map[string]bool // variables that the process was started with

	mu     sync.Mutex
	origin map[string]string // of variables that were set here
}

// Origins of settings, as [Config.Settings] tells them; a secret's file is told by its path.
const (
	originFlag        = "flag"
	originEnvironment = "environment"
	originDotEnv      = ".env"
	originDefault     = "default"
)

// maxSecretFile is how many bytes a file with a secret may have.
const maxSecretFile = 64 << 10

// LoadEnvironment reads .env and the files of secrets.
func LoadEnvironment() (*Environment, error) {
	e := &Environment{own: map[string]bool{}}
	settings := SettingNames()
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); value != "" || !settings[name] {
			e.own[name] = true
		}
	}
	return e, e.Reload()
}

// Reload reads both again. With an error everything stays as it was.
func (e *Environment) Reload() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	values, err := godotenv.Read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf(".env: %w: write each line as NAME=value, values with blanks or # in quotes", err)
	}
	settings := SettingNames()
	origin := map[string]string{}
	plan := map[string]string{}
	for name, value := range values {
		if !e.own[name] && (value != "" || !settings[name]) {
			plan[name], origin[name] = value, originDotEnv
		}
	}
	get := func(name string) string {
		if e.own[name] {
			return os.Getenv(name)
		}
		return plan[name]
	}
	var all []error
	for _, name := range secretNames() {
		file := get(name + fileSuffix)
		if file == "" {
			continue
		}
		value, err := readSecret(name, get(name), file)
		if all = append(all, err); err == nil {
			plan[name], origin[name] = value, file
		}
	}
	if err := errors.Join(all...); err != nil {
		return err
	}
	for name := range e.origin {
		if _, stays := plan[name]; !stays {
			os.Unsetenv(name)
		}
	}
	for name := range settings {
		if _, set := plan[name]; !set && !e.own[name] {
			os.Unsetenv(name) // it was empty
		}
	}
	for name, value := range plan {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	e.origin = origin
	return nil
}

// fileSuffix makes the name of a variable that names a secret's file.
const fileSuffix = "_FILE"

// readSecret reads the secret of a setting from its file. Its value is what the variable itself holds, which must be nothing.
func readSecret(name, value, file string) (string, error) {
	if value != "" {
		return "", fmt.Errorf("%s and %s%s are both set: leave one out", name, name, fileSuffix)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("%s%s: %w: name a file that this program may read, or set %s itself", name, fileSuffix, err, name)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	text := strings.TrimRight(string(b), "\r\n") // as editors and echo end files
	switch {
	case err != nil:
		return "", fmt.Errorf("%s%s: %w", name, fileSuffix, err)
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("%s%s: %s is larger than %d bytes, so it is no secret: write the secret alone into it", name, fileSuffix, file, maxSecretFile)
	case text == "":
		return "", fmt.Errorf("%s%s: %s is empty: write the secret into it", name, fileSuffix, file)
	case strings.ContainsRune(text, 0):
		return "", fmt.Errorf("%s%s: %s is no text: write the secret alone into it", name, fileSuffix, file)
	}
	return text, nil
}

// Secret is what a variable holds that is no setting of ours, such as the key of an endpoint in MODELS_FILE; or what the file holds
// that NAME_FILE names. "": neither is set.
func Secret(name string) (string, error) {
	value := os.Getenv(name)
	if file := os.Getenv(name + fileSuffix); file != "" {
		return readSecret(name, value, file)
	}
	return value, nil
}

// isSecret reports whether nobody may see what a setting holds.
func isSecret(f reflect.StructField) bool { _, secret := f.Tag.Lookup("secret"); return secret }

// variables are the names of a setting, the one that counts most first.
func variables(f reflect.StructField) []string {
	if env := f.Tag.Get("env"); env != "" {
		return strings.Split(env, ",")
	}
	return nil
}

// SettingNames are the variables of all settings, with those that name files of secrets.
func SettingNames() map[string]bool {
	all := map[string]bool{}
	for f := range reflect.TypeFor[Config]().Fields() {
		for _, name := range variables(f) {
			all[name] = true
			if isSecret(f) {
				all[name+fileSuffix] = true
			}
		}
	}
	return all
}

// secretNames are the variables of all settings that are secrets, in order.
func secretNames() (all []string) {
	for f := range reflect.TypeFor[Config]().Fields() {
		if isSecret(f) {
			all = append(all, variables(f)...)
		}
	}
	return all
}

// UnsetEmpty makes an empty variable the same as none.
func UnsetEmpty() {
	for _, name := range slices.Collect(maps.Keys(SettingNames())) {
		if os.Getenv(name) == "" {
			os.Unsetenv(name)
		}
	}
}
