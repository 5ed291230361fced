"""Keras as its tutorial has it: Adam with its defaults, batch 128, up to 20 epochs, the backend of KERAS_BACKEND."""

import fast_common
import keras

race = fast_common.Race()
x, y, tx, ty = fast_common.mnist()
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((784,)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])


class Watch(keras.callbacks.Callback):
    def on_epoch_end(self, _epoch, logs=None):
        race.epoch(logs["val_accuracy"])
        self.model.stop_training = race.reached_s is not None


model.fit(x, y, batch_size=128, epochs=20, validation_data=(tx, ty), verbose=0, callbacks=[Watch()])
race.report(f"keras {keras.__version__} on {keras.backend.backend()}")
