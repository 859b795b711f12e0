package org.tensorflow.lite;

/** Stand-in with the shape of TFLite's: options are declared here and inherited by Interpreter.Options. */
public interface InterpreterApi {
    class Options {
        public int threads = -1;

        public Options setNumThreads(int count) {
            threads = count;
            return this;
        }
    }
}
